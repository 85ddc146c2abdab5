package cmd

import (
	"bytes"
	"cmp"
	"io"
	"log/slog"
	"os"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
)

// A logConfig is how serve logs.
type logConfig struct {
	format string // config's, "" where LOG_FORMAT is not set
	level  slog.Level
}

func readLogConfig(s *config.Settings) logConfig {
	return logConfig{config.Take(s, config.LogFormat), config.Take(s, config.LogLevel)}
}

// A serveLog is the log of serve, on standard error.
type serveLog struct {
	*slog.Logger
	writer *logWriter
	format string
	asked  bool // LOG_FORMAT is set
}

// startLog returns a log that the caller must close.
func (p program) startLog(c logConfig) *serveLog {
	l := &serveLog{format: cmp.Or(c.format, defaultFormat(p.errOut)), asked: c.format != ""}
	l.writer = newLogWriter(p.errOut, func(lost int) []byte {
		var line bytes.Buffer
		slog.New(newLogHandler(&line, l.format, slog.LevelError)).Error("log lines are lost: standard error is not read fast enough", "lines", lost)
		return line.Bytes()
	})
	l.Logger = slog.New(newLogHandler(l.writer, l.format, c.level))
	return l
}

// defaultFormat returns text for people and JSON for programs.
func defaultFormat(out *os.File) string {
	if isTerminal(out) {
		return config.FormatText
	}
	return config.FormatJSON
}

func newLogHandler(out io.Writer, format string, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == config.FormatText {
		return slog.NewTextHandler(out, options)
	}
	return slog.NewJSONHandler(out, options)
}

// Close writes the lines that are left.
func (l *serveLog) Close() error { return l.writer.Close() }

// end returns the error that serve has ended with, or errLogged after it has logged the error.
// It logs where standard error has lines of JSON already, or LOG_FORMAT asks for them: who reads
// these takes no other lines. Before that, a mistake is told as by any command.
func (l *serveLog) end(err error) error {
	if err == nil || l.format != config.FormatJSON || !l.asked && !l.writer.hasBegun() {
		return err
	}
	attrs := []any{"error", hint.OneLine(err.Error())}
	if way := wayOut(err); way != "" {
		attrs = append(attrs, "hint", way)
	}
	l.Error("serve has ended", attrs...)
	return errLogged
}
