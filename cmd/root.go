// Package cmd is totpctl's command line. Each command has a file: it parses flags,
// calls one function and prints.
package cmd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/server/metrics"
	"totpctl/totp/sqlstore"
)

// The exit codes. Commands whose exit code is a verdict, check and account confirm, have
// all of them, every other command the first three. Nothing but exitOK lets anybody in.
const (
	exitOK        = 0
	exitNo        = 1 // the code is not valid
	exitError     = 2 // usage or configuration; of other commands every error
	exitNoAccount = 3 // there is no such account
	exitNoAnswer  = 4 // no verdict: the server does not answer, is not totpctl, or its store fails
	exitRefused   = 5 // the server refuses the bearer
	exitPending   = 6 // the account's enrolment is not confirmed yet
)

// exitName returns what --json calls the exit code of an error.
func exitName(code int) string {
	return cmp.Or(map[int]string{exitNoAccount: "no_account", exitNoAnswer: "no_answer", exitRefused: "bearer_refused"}[code], "usage")
}

// exitsWithVerdict returns the annotation of commands whose exit code is a verdict.
func exitsWithVerdict() map[string]string { return map[string]string{verdictMark: "yes"} }

const verdictMark = "exits with verdict"

// An ended command has printed its result, and ends with this exit code and no message.
type ended int

func (e ended) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// errNotValid ends a command whose verdict has been printed.
const errNotValid = ended(exitNo)

// errLogged ends a command whose error is a line of the log.
const errLogged = ended(exitError)

// A coded error has an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// A program holds the clock and the streams of the process. Commands hand them down,
// so that nothing below reads the clock or a stream by itself.
type program struct {
	clock  func() time.Time
	in     io.Reader
	out    *os.File
	errOut *os.File

	metrics *metrics.Metrics // of serve with METRICS_ADDR, else nil
}

// Main runs the command that the process was started with and returns its exit
// code.
func Main() int {
	p := program{clock: time.Now, in: os.Stdin, out: os.Stdout, errOut: os.Stderr}
	root := p.root(os.Args[1:])
	if isCompletion(os.Args[1:]) {
		p.completeWords(root)
	}
	c, err := root.ExecuteC()
	err = hintExclusive(c, err)
	if c.Annotations[verdictMark] != "" {
		return p.endVerdict(c.Flags(), err)
	}
	return p.exitCode(err)
}

// endVerdict ends a command whose exit code is a verdict. An error is an object with
// --json, and nothing with --quiet.
func (p program) endVerdict(flags *pflag.FlagSet, err error) int {
	_, printed := errors.AsType[ended](err)
	quiet, _ := flags.GetBool("quiet")
	inJSON, _ := flags.GetBool("json")
	switch {
	case err == nil && flags.Changed("help"):
		return exitError // a script would take 0 for a valid code
	case err == nil || printed:
	case quiet && !inJSON:
		return exitCodeOf(err)
	case !quiet && (inJSON || slices.Contains(os.Args, "--json")): // which may be behind a flag that was not understood
		p.printJSON(api.Error{Error: hint.OneLine(err.Error()), Code: exitName(exitCodeOf(err))}) // the exit code tells where this fails
	}
	return p.exitCode(err)
}

// root returns the command line of the arguments. If the first of them names a command, root
// makes that command alone, because making all of them takes a tenth of a cold start. Help,
// completion and mistakes need all.
func (p program) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "totpctl",
		Short: "A second factor (TOTP) to host and script",
		Long: `totpctl is a second factor (TOTP, RFC 6238) to host and script: a server that
verifies codes and enrols people with a QR code, an authenticator that prints
live codes, and a check for scripts.`,
		Example: `  totpctl init && totpctl serve      # a server, and a QR code to scan
  totpctl check 123456 && ./deploy   # deploy only with a good code`,
		Version:       "any", // makes cobra add --version; the template prints the real one
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.PersistentFlags().String("env", "", "read configuration from this `file` instead of .env")
	cobra.AddTemplateFunc("build", version) // a function, as reading the version takes time at every start
	root.SetVersionTemplate("totpctl {{build}}\n")
	root.SetOut(p.out)
	root.SetErr(p.errOut)
	if makeNamed := p.commands()[first(args)]; makeNamed != nil {
		root.AddCommand(makeNamed())
		root.CompletionOptions.DisableDefaultCmd = true
	} else {
		p.addAll(root)
	}
	refuseGroups(root)
	hintUsage(root)
	return root
}

// commands returns what makes each command, by name.
func (p program) commands() map[string]func() *cobra.Command {
	return map[string]func() *cobra.Command{
		"init": p.initCommand, "serve": p.serveCommand, "gen": p.genCommand, "qr": p.qrCommand, "check": p.checkCommand,
		"account": p.accountCommand, "passphrase": p.passphraseCommand, "backup": p.backupCommand, "restore": p.restoreCommand,
		"fence": p.fenceCommand, "move": p.moveCommand, "migrate": p.migrateCommand, "doctor": p.doctorCommand,
		"clear-clipboard": p.clearClipboardCommand, "manual": p.manualCommand, "version": p.versionCommand,
	}
}

// addAll adds every command and those that cobra has of its own. Cobra sorts them.
func (p program) addAll(root *cobra.Command) {
	for _, makeOne := range p.commands() {
		root.AddCommand(makeOne())
	}
	root.InitDefaultCompletionCmd()
	mendScripts(root)
}

// refuseGroups has commands that only group others refuse to run, in c and below it. Cobra
// would print their help and exit 0, which a script takes for success.
func refuseGroups(c *cobra.Command) {
	if !c.Runnable() {
		c.RunE = func(c *cobra.Command, _ []string) error {
			return hint.With(errors.New("no command given"), "`%s --help` lists the commands", c.CommandPath())
		}
	}
	for _, sub := range c.Commands() {
		refuseGroups(sub)
	}
}

// hintUsage gives cobra's errors about flags and arguments a hint, in c and below it.
func hintUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(usageError)
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err == nil {
				return nil
			}
			if meant := commandLike(c, first(args)); meant != "" {
				return hint.With(err, "did you mean `%s`?", meant)
			}
			return usageError(c, err)
		}
	}
	for _, sub := range c.Commands() {
		hintUsage(sub)
	}
}

// commandLike returns the command that somebody may have meant by a word after c: the word is
// misspelt, or a group of commands is left out before it. It returns "" if none is like it.
func commandLike(c *cobra.Command, word string) string {
	for _, group := range c.Commands() {
		for _, sub := range group.Commands() {
			if sub.Name() == word {
				return sub.CommandPath()
			}
		}
	}
	c.SuggestionsMinimumDistance = 2 // changed letters, cobra's default where it suggests by itself
	if near := c.SuggestionsFor(word); word != "" && len(near) > 0 {
		return c.CommandPath() + " " + near[0]
	}
	return ""
}

func usageError(c *cobra.Command, err error) error {
	return hint.With(err, "`%s --help` shows what it takes", c.CommandPath())
}

// hintExclusive rewords the error of c about flags that exclude each other, whose end is
// "; [png svg] were all set", and gives it a hint. It comes after the command, because cobra
// tells these errors by no type and no function, and asking before takes time at every start.
func hintExclusive(c *cobra.Command, err error) error {
	if err == nil || hint.Of(err) != "" {
		return err
	}
	groups := c.ValidateFlagGroups()
	if groups == nil {
		return err
	}
	_, set, _ := strings.Cut(groups.Error(), "; ")
	return usageError(c, fmt.Errorf("flags %s exclude each other", strings.TrimSuffix(set, " were all set")))
}

// printJSON prints a result as one line. Unlike json.Marshal it leaves <, > and & as
// they are.
func (p program) printJSON(body any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(body)
}

// exitCode prints err and its hint, and returns the exit code. Nothing is printed for
// nil and for an ended command.
func (p program) exitCode(err error) int {
	if _, printed := errors.AsType[ended](err); err == nil || printed {
		return exitCodeOf(err)
	}
	fmt.Fprintf(p.errOut, "totpctl: %s\n", printable(hint.OneLine(err.Error())))
	if way := wayOut(err); way != "" {
		fmt.Fprintf(p.errOut, "hint: %s\n", printable(way))
	}
	return exitCodeOf(err)
}

// wayOut returns the hint of an error, "" for none.
func wayOut(err error) string {
	way := hint.Of(err)
	if way == "" && sqlstore.IsFull(err) {
		way = fullDisk
	}
	return way
}

func exitCodeOf(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[ended](err); ok {
		return int(e)
	}
	if c, ok := errors.AsType[coded](err); ok {
		return c.code
	}
	return exitError
}
