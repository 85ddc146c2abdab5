// Package manual holds the manual: one page of Markdown a topic, embedded in the binary.
// What stands in the pages' fenced blocks is what the tests run.
package manual

import "embed"

// Pages has the manual's pages, NAME.md for the topic NAME.
//
//go:embed *.md
var Pages embed.FS
