// Package doors has the tests of the manual's recipes for the programs that stand between
// people and a server: web servers and RADIUS. It has no code of its own.
//
// Each recipe is run as it stands in the manual, by Debian's program; addresses and the
// paths of files alone are replaced. .ci/run installs what the tests need.
package doors
