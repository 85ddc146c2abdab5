package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/server/client"
	"totpctl/totp/verifier"
)

// A checkForm is how check asks and prints.
type checkForm struct {
	account  string
	alone    bool // the environment does not count
	recovery bool
	quiet    bool
	json     bool
	timeout  time.Duration
}

func (p program) checkCommand() *cobra.Command {
	var form checkForm
	c := &cobra.Command{
		Use:   "check CODE",
		Short: "Ask a server whether a code is good",
		Long: `Asks the server at TOTPCTL_URL, with the first of BEARER, and prints "valid" or
"not valid: …". A code is good once. "-" reads the code from standard input,
where a newline, a NUL or the end ends it; 123 456 and 123-456 are 123456. What
can be neither a code nor a recovery code, such as a password, is not sent.

With --env, that file and the flags alone say whom to ask, with which bearer,
through which proxy (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) and trusting whom
(SSL_CERT_FILE, SSL_CERT_DIR): the environment may be somebody else's.

Exits 0 if the code is valid, and with another number otherwise:
  1  not valid: wrong, used, throttled; or the account is stopped or disabled
  2  usage or configuration
  3  no such account on the server
  4  no answer: the server is down, is not totpctl, or can't tell now
  5  the server refuses the bearer
  6  the account's enrolment is not confirmed yet
With --json, standard output has one object in each case: the verdict, or
{"error": …, "code": …}, whose code is usage, no_account, no_answer or
bearer_refused.`,
		Annotations: exitsWithVerdict(),
		Example:     "  totpctl check 123456 && ./deploy\n  totpctl check -- \"$CODE\" && ./deploy\n  totpctl gen --once | totpctl check --quiet -",
		Args:        cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			read := p.readSettings
			if form.quiet {
				read = p.readSilently
			}
			s := read(c)
			if s.Err() != nil {
				return s.Err()
			}
			if form.alone = c.Flags().Changed("env"); form.alone {
				s.IgnoreEnvironment()
			}
			if c.Flags().Changed("account") && form.account == "" {
				return hint.With(errors.New("reading --account: it is empty"), "leave --account out for the default account")
			}
			return p.check(c.Context(), s, form, args[0])
		},
	}
	c.Flags().StringVar(&form.account, "account", "", "the stored account `name` whose code it is (default: the server's default account)")
	c.Flags().BoolVar(&form.recovery, "recovery", false, "the code is one of the account's recovery codes, and no other")
	c.Flags().BoolVarP(&form.quiet, "quiet", "q", false, "print nothing: the exit code tells")
	c.Flags().BoolVar(&form.json, "json", false, "print the verdict as JSON")
	c.Flags().DurationVar(&form.timeout, "timeout", client.DefaultTimeout, "give up after this time, retries included")
	c.MarkFlagsMutuallyExclusive("quiet", "json")
	config.AddFlags(c.Flags(), config.ServerURL, config.Period)
	return c
}

func (p program) check(ctx context.Context, s *config.Settings, form checkForm, code string) error {
	cc, err := p.clientConfig(s, form)
	if err != nil {
		return err
	}
	period := config.Take(s, config.Period)
	if s.Err() != nil {
		return s.Err()
	}
	if form.alone && !form.quiet {
		p.warn(openFiles(s.SecretFiles(), "")...)
	}
	asker, err := client.New(cc)
	if err != nil {
		return hint.With(fmt.Errorf("reading TOTPCTL_URL: %w", err), "%s", config.ServerURL.Hint)
	}
	if code, err = p.readCode(code); err != nil {
		return err
	}
	question := api.Question{Account: form.account, Code: code}
	if recovery, ok := verifier.TidyRecoveryCode(code); ok || form.recovery {
		question.Code, question.RecoveryCode = "", recovery
	}
	result, err := asker.Check(ctx, question)
	if err != nil {
		return coded{err, exitOfClient(err)}
	}
	if !form.quiet {
		defer p.tellClocks(result.ClockOffset, period)
	}
	return p.printVerdict(result.Verdict, form)
}

// exitOfClient returns the exit code for an error of Client.Check.
func exitOfClient(err error) int {
	asked, ok := errors.AsType[client.Error](err)
	switch {
	case !ok || asked.Kind == client.BadAccount:
		return exitError
	case asked.Kind == client.NoAccount:
		return exitNoAccount
	case asked.Kind == client.Refused:
		return exitRefused
	}
	return exitNoAnswer
}

func (p program) clientConfig(s *config.Settings, form checkForm) (client.Config, error) {
	if form.timeout <= 0 {
		return client.Config{}, hint.With(errors.New("reading --timeout: want more than 0"), "--timeout is how long check waits, such as 10s")
	}
	url, bearers := config.Take(s, config.ServerURL), config.Take(s, config.Bearer)
	if s.Err() != nil {
		return client.Config{}, s.Err()
	}
	warn := func(text string) { p.warn(text) }
	if form.quiet {
		warn = nil
	}
	return client.Config{
		URL: url.String(), Bearer: bearers[0],
		Timeout: form.timeout, Clock: p.clock, Warn: warn,
	}, nil
}

// printVerdict prints a verdict, that of a confirmation as its recovery codes. For a
// verdict that is not valid it returns what ends the command with its exit code.
func (p program) printVerdict(v api.Verdict, form checkForm) (err error) {
	switch {
	case form.json:
		err = p.printJSON(v)
	case form.quiet:
	case v.Recovery != nil:
		_, err = fmt.Fprintln(p.out, strings.Join(v.Recovery, "\n"))
	case v.Status:
		_, err = fmt.Fprintln(p.out, "valid")
	default:
		_, err = fmt.Fprintln(p.out, "not valid:", v.Clause())
	}
	if err != nil {
		return fmt.Errorf("printing verdict: %w", err)
	}
	switch {
	case v.Status:
		return nil
	case v.Reason == verifier.ReasonPending:
		return ended(exitPending)
	}
	return errNotValid
}

// tellClocks warns of a clock that makes right codes wrong.
func (p program) tellClocks(offset *time.Duration, period time.Duration) {
	if offset != nil && offset.Abs() > period/2 {
		fmt.Fprintf(p.errOut, "totpctl: %s\nhint: most wrong codes are wrong clocks: set this machine's clock, the server's and the phone's by NTP\n", clocks(*offset))
	}
}

func clocks(offset time.Duration) string {
	direction := "ahead of"
	if offset < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the server's clock is %v %s this machine's", offset.Abs().Round(time.Second), direction)
}
