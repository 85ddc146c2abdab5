package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"totpctl/cmd/hint"
)

// statement matches one of a .env: a value in single quotes is literal, one in double
// quotes has escapes, and one without ends before a comment. Quoted values may have
// several lines. It is compiled once, at the first use.
var statement = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(dotenvStatement)
})

const dotenvStatement = `\A[ \t]*(?:(?:export[ \t]+)?([\pL\pN_.-]+)[ \t]*=[ \t]*` +
	`(?:'([^']*)'|"((?:[^"\\]|\\.|\\\n)*)"|([^'" \t\n][^\n]*)?))?` +
	`[ \t]*(?:#[^\n]*)?(?:\n|\z)`

// parseEnv reads a .env as the prototype's python-dotenv does, except that a value is
// what stands there: parseEnv looks up no ${NAME}, and refuses one in a variable that
// totpctl reads. It warns of a variable that is set twice. Its errors do not quote the
// line, which may hold a secret.
func parseEnv(file string, text []byte) (values map[string]string, warnings []string, err error) {
	all := plainText(string(text))
	if at := strings.IndexAny(all, "\x00\r"); at >= 0 {
		return nil, nil, hint.With(badLine(file, all[:at], "has a NUL or a lone carriage return"), "save the file as plain text in UTF-8")
	}
	values, places := map[string]string{}, map[string]int{}
	for rest := all; rest != ""; {
		before, m := all[:len(all)-len(rest)], statement().FindStringSubmatch(rest)
		if m == nil {
			return nil, nil, badStatement(file, before, rest)
		}
		name, single, double, bare := m[1], m[2], m[3], trimComment(m[4])
		if reads := known(name) || slices.Contains(transportVariables(), name); reads && hasReference(double+bare) {
			return nil, nil, hint.With(badLine(file, before, "refers to another variable with ${…} in "+name), "write the value itself; if these characters are meant, put it in single quotes")
		}
		if name == passphraseCommand {
			return nil, nil, hint.With(badLine(file, before, "sets "+name+", which is read from the environment alone"),
				"remove the line and export the variable in your shell: whoever writes to a folder could put a command into its .env")
		}
		if earlier, again := places[name]; again && known(name) {
			warnings = append(warnings, fmt.Sprintf("%s is in lines %d and %d of %s: the last counts", name, lineAfter(all[:earlier]), lineAfter(before), file))
		}
		places[name] = len(before)
		if name != "" {
			values[name] = single + unescape(double) + bare
		}
		rest = rest[len(m[0]):]
	}
	return values, warnings, nil
}

// badStatement tells a slip in quotes from what is no statement at all.
func badStatement(file, before, rest string) error {
	line, _, _ := strings.Cut(rest, "\n")
	left, value, _ := strings.Cut(line, "=")
	name := strings.Fields(strings.TrimPrefix(strings.TrimSpace(left), "export "))
	if len(name) == 1 && strings.IndexAny(strings.TrimLeft(value, " \t"), `'"`) == 0 {
		return hint.With(badLine(file, before, "has a quote that does not end, or text behind the quote"), "a value in quotes ends with the same quote, and only a comment may follow")
	}
	return hint.With(badLine(file, before, "is not NAME=value"), "write NAME=value; a comment begins with #")
}

func badLine(file, before, problem string) error {
	return fmt.Errorf("reading %s: line %d %s", file, lineAfter(before), problem)
}

func lineAfter(before string) int { return 1 + strings.Count(before, "\n") }

// trimComment returns a value without the comment after it, which begins with a # that
// follows a space or tab.
func trimComment(bare string) string {
	for i := 1; i < len(bare); i++ {
		if bare[i] == '#' && (bare[i-1] == ' ' || bare[i-1] == '\t') {
			bare = bare[:i]
		}
	}
	return strings.TrimRight(bare, " \t")
}

// hasReference reports whether python-dotenv would look up a variable in text, which
// still has its escapes.
func hasReference(text string) bool {
	text = strings.NewReplacer(`\\`, `\`, `\$`, `\`).Replace(text)
	_, name, found := strings.Cut(text, "${")
	return found && strings.Contains(name, "}")
}

// unescape replaces the escapes of a value in double quotes. A backslash before any
// other character stays.
func unescape(double string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, `\n`, "\n", "\\`", "`").Replace(double)
}

// Line returns the line of a .env that sets a variable, which a shell reads in the
// same way.
func Line(name, value string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "`", "\\`").Replace(value)
	return name + `="` + escaped + "\"\n"
}
