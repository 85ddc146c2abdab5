package authenticator

import (
	"fmt"
	"strconv"
	"strings"

	"totpctl/totp"
)

// Control sequences of ECMA-48. A line begins with erasing, because erasing after a
// line that reaches the last column would delete the last character.
const (
	eraseLine = "\r\x1b[K"
	bold      = "\x1b[1m"
	dim       = "\x1b[2m"
	plain     = "\x1b[0m"
)

const (
	unknownWidth = 80
	maxBar       = 30 // cells: one a second at the default period
	minBar       = 5
)

// live redraws the cursor's line. When a step begins, the code before stays above.
func (c Config) live(shown, now reading, begins bool) string {
	above := c.rewind(shown, now.width)
	if begins && shown.code != "" {
		above += c.past(shown.code, now.width)
	}
	return above + eraseLine + c.countdown(now)
}

// rewind goes to the first row of the line that was drawn last. If the terminal is
// narrower now, it has broken that line into several rows. A terminal that cuts lines
// off instead, as xterm does, loses the rows above.
func (c Config) rewind(drawn reading, width int) string {
	c.Color = false
	rows := (len(c.countdown(drawn)) - 1) / width
	if drawn.code == "" || rows < 1 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
}

// past turns the cursor's line into that of a past code.
func (c Config) past(code string, width int) string {
	if grouped := group(code); len(grouped) <= width {
		code = grouped
	}
	return eraseLine + c.styled(dim, code) + "\n"
}

// countdown returns the present code and, as far as they fit, a bar, the seconds that
// are left, and the next code, which stays longest. A line that wraps could not be
// redrawn, so countdown returns "" if not even the code fits. It is ASCII, because some
// terminals draw block characters two columns wide.
func (c Config) countdown(r reading) string {
	period, width := c.seconds(), r.width
	left := period - r.at.Unix()%period
	code, next := group(r.code), nextAfter(r)
	seconds := fmt.Sprintf("  %*d s", len(strconv.FormatInt(period, 10)), left)
	room := width - len(code) - len(seconds) - len(next) - len("^C") // the terminal's echo must not wrap either
	switch cells := min(room-len("  []"), maxBar); {
	case cells >= minBar:
		return c.styled(bold, code) + "  " + bar(left, period, cells) + seconds + next
	case room >= 0:
		return c.styled(bold, code) + seconds + next
	case next != "" && 2*len(code)+len("  ")+len("^C") <= width:
		return c.styled(bold, code) + "  " + group(r.next)
	case next != "":
		r.next = ""
		return c.countdown(r)
	case len(code) <= width:
		return c.styled(bold, code)
	case len(r.code) <= width:
		return c.styled(bold, r.code)
	}
	return ""
}

// nextAfter returns what follows the seconds: "" if there is no next code.
func nextAfter(r reading) string {
	if r.next == "" {
		return ""
	}
	return "  next " + group(r.next)
}

// bar shows left out of period. It has one # at least, because left is never 0.
func bar(left, period int64, cells int) string {
	full := int((left*int64(cells) + period - 1) / period)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]"
}

// group parts a code in two: 123 456, 123 4567, 1234 5678. It leaves Steam's five
// characters together, as Steam shows them.
func group(code string) string {
	if len(code) < totp.MinDigits {
		return code
	}
	half := len(code) / 2
	return code[:half] + " " + code[half:]
}

func (c Config) styled(style, text string) string {
	if !c.Color {
		return text
	}
	return style + text + plain
}

func (c Config) width() int {
	if c.Width != nil {
		if columns := c.Width(); columns > 0 {
			return columns
		}
	}
	return unknownWidth
}
