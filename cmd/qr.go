package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/qrcode"
)

// A qrForm says how qr shows an entry. The zero qrForm draws it in the terminal.
type qrForm struct {
	uri      bool
	png, svg string
	force    bool
}

func (p program) qrCommand() *cobra.Command {
	var form qrForm
	c := &cobra.Command{
		Use:   "qr [ACCOUNT|-]",
		Short: "Draw the enrolment QR code in the terminal",
		Long: `Draws the QR code that an authenticator app scans to learn the secret. It needs
neither a server nor a network. Whoever sees the QR code can make valid codes.
If TERM is dumb, it has no colours and needs light text on a dark ground.

The secret is the default account's, or a stored one's on the machine that has
the database and ENCRYPTION_KEY. With - or --secret-file it is given: a bare
secret or an otpauth URI, for which no configuration is read.`,
		Example: "  totpctl qr\n  totpctl qr --png enrol.png\n  pass show github | totpctl qr -",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := p.entryFor(c, args, false)
			if err != nil {
				return err
			}
			if key.bare && !c.Flags().Changed("label") {
				p.warn("the secret has no name: authenticators will show " + totp.QuoteName(key.Account) + ", unless --label names it")
			}
			for _, flag := range []string{"png", "svg"} {
				if f := c.Flags().Lookup(flag); f.Changed && f.Value.String() == "" {
					return hint.With(fmt.Errorf("reading --%s: it is empty", flag), "--%s wants the name of a file, or - for standard output", flag)
				}
			}
			if form.force {
				if err := refuseOwn(cmp.Or(form.png, form.svg), ownFiles(c, key.settings)); err != nil {
					return err
				}
			}
			return p.showQR(key.Entry, form)
		},
	}
	c.Flags().BoolVar(&form.uri, "uri", false, "print the otpauth URI instead")
	c.Flags().StringVar(&form.png, "png", "", "write a PNG image to this `file` instead, - for standard output")
	c.Flags().StringVar(&form.svg, "svg", "", "write an SVG image to this `file` instead, - for standard output")
	c.Flags().BoolVar(&form.force, "force", false, "let --png and --svg replace an existing regular file")
	c.MarkFlagsMutuallyExclusive("uri", "png", "svg")
	addEntryFlags(c)
	return c
}

func (p program) showQR(e totp.Entry, f qrForm) (err error) {
	uri := e.URI()
	switch {
	case f.uri:
		_, err = fmt.Fprintln(p.out, uri)
	case f.png != "":
		var image []byte
		if image, err = qrcode.PNG(uri); err == nil {
			err = p.writePNG(f, image)
		}
	case f.svg != "":
		var image string
		if image, err = qrcode.SVG(uri, api.QRTitle); err == nil {
			err = p.writeSecret("image", f.svg, []byte(image), f.force)
		}
	default:
		err = p.drawQR(uri, label(e))
	}
	if errors.Is(err, qrcode.ErrTooLong) {
		return hint.With(fmt.Errorf("drawing QR code: %w", err), "shorten TOTP_ISSUER or TOTP_ACCOUNT")
	}
	return err
}

// drawQR takes low error correction if the QR code is too large for the terminal
// otherwise.
func (p program) drawQR(uri, label string) error {
	style, window := terminalStyle(os.Getenv), p.window()
	drawing, err := qrcode.Draw(uri, style)
	if err == nil && !window.holds(drawing, lineOfLabel+lineOfPrompt) {
		drawing, err = qrcode.Draw(uri, style|qrcode.LowCorrection)
	}
	if err != nil {
		return err
	}
	if window.columns < drawing.Columns {
		return hint.With(fmt.Errorf("drawing QR code: the terminal is %d columns wide and the code needs %d", window.columns, drawing.Columns),
			"%s", narrowHint(style))
	}
	if lines := len(drawing.Lines) + lineOfLabel; window.lines < lines {
		p.warn(fmt.Sprintf("the code with its label has %d lines and the terminal %d: enlarge the window to scan it", lines, window.lines))
	}
	if _, err := fmt.Fprintf(p.out, "%s%s\n", drawing, label); err != nil {
		return fmt.Errorf("drawing QR code: %w", err)
	}
	return nil
}

// The lines that follow the code.
const (
	lineOfLabel  = 1
	lineOfPrompt = 1 // the shell's
)

// A size is a terminal's, in characters.
type size struct{ columns, lines int }

func (s size) holds(d qrcode.Drawing, more int) bool {
	return d.Columns <= s.columns && len(d.Lines)+more <= s.lines
}

// window returns the terminal's size. It has no limits if the output is no terminal.
func (p program) window() size {
	unknown := size{math.MaxInt, math.MaxInt}
	width, height, err := term.GetSize(int(p.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return unknown
	}
	return size{width, height}
}

// terminalStyle draws without escapes if TERM is dumb, because such a terminal, like an
// editor's, shows them as text.
func terminalStyle(getenv func(string) string) qrcode.Style {
	style := qrcode.HalfBlocks
	if !utf8Locale(getenv) {
		style |= qrcode.WholeBlocks
	}
	if getenv("TERM") == "dumb" {
		style |= qrcode.NoColours
	}
	return style
}

func narrowHint(style qrcode.Style) string {
	const wider = "widen the window or make its font smaller, or write the code to a file with --png"
	if style&qrcode.WholeBlocks != 0 {
		return wider + "; if the terminal shows UTF-8, set LC_ALL=C.UTF-8, which halves the width"
	}
	return wider
}

func label(e totp.Entry) string {
	if e.Issuer == "" {
		return shown(e.Account)
	}
	return shown(e.Issuer) + ": " + shown(e.Account)
}

// utf8Locale reports whether the terminal can show half blocks. The first variable
// that is set decides, in POSIX's order. If none is set, as in a container, it can.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(getenv(name)); v != "" {
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}

// ownFiles returns the files that totpctl needs. Without settings these are the secret's,
// and a .env that was not read.
func ownFiles(c *cobra.Command, s *config.Settings) []string {
	if s == nil {
		return []string{c.Flags().Lookup("secret-file").Value.String(), ".env"}
	}
	certificate := s.Certificate()
	return slices.Concat(s.SecretFiles(), databaseFiles(s.DatabaseURL()), []string{certificate.CertFile, certificate.KeyFile, s.AuditLog()})
}

// refuseOwn returns an error for a file that totpctl needs, as --force would replace it.
func refuseOwn(file string, own []string) error {
	old, err := os.Stat(file)
	if err != nil {
		return nil // nothing to replace
	}
	for _, o := range own {
		if info, err := os.Stat(o); err == nil && os.SameFile(info, old) {
			return hint.With(fmt.Errorf("writing %s: it is the configuration or the database, or the audit log", file), "name another file")
		}
	}
	return nil
}

// writePNG refuses a terminal, whose state binary data would garble.
func (p program) writePNG(f qrForm, image []byte) error {
	if f.png == "-" && isTerminal(p.out) {
		return hint.With(errors.New("writing image: standard output is a terminal, and a PNG is no text"), "send it on, as in `totpctl qr --png - >FILE`, or name a file; without --png the code is drawn")
	}
	return p.writeSecret("image", f.png, image, f.force)
}

// writeSecret writes to a file that only its owner can read, or to standard output if its
// name is "-".
func (p program) writeSecret(what, file string, data []byte, force bool) error {
	write := createFile
	switch {
	case file == "-":
		write = func(_ string, data []byte) error { _, err := p.out.Write(data); return err }
	case force:
		write = replaceFile
	}
	err := write(file, data)
	exists := errors.Is(err, fs.ErrExist)
	switch {
	case errors.Is(err, errNotRegular), exists && errors.Is(mayReplace(file), errNotRegular):
		return hint.With(fmt.Errorf("writing %s: %w", file, errNotRegular), "--force replaces only regular files: name a new file, or - for standard output")
	case exists:
		return hint.With(fmt.Errorf("writing %s: it exists already", file), "name another file, or replace it with --force")
	case err != nil && file == "-":
		return fmt.Errorf("writing %s: %w", what, err)
	case err != nil:
		return hint.With(fmt.Errorf("writing %s: %w", what, err), "%s", folderHint)
	}
	return nil
}
