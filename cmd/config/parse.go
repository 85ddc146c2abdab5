package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// parseName reads a name, as the functions below read the texts of other variables. Their
// errors quote a bad text unless it may be a secret.
func parseName(text string) (string, error) { return named(totp.ParseName(text)) }

// ParseNewName reads a name that was not in use before: see totp.ParseNewName.
func ParseNewName(text string) (string, error) { return named(totp.ParseNewName(text)) }

// named gives the errors of totp's rules for names their subject.
func named(name string, err error) (string, error) {
	if err != nil {
		return "", fmt.Errorf("name %w", err)
	}
	return name, nil
}

func parseSkew(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > totp.MaxSkew {
		return 0, fmt.Errorf("skew is %q: want 0, 1 or %d", text, totp.MaxSkew)
	}
	return n, nil
}

// parseEnrolTTL reads a duration as Go does, and days, which Go has no unit for.
func parseEnrolTTL(text string) (time.Duration, error) {
	ttl, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 8)
		ttl = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || ttl < verifier.MinPendingTime || ttl > verifier.MaxPendingTime {
		return 0, fmt.Errorf("%q is not a time from 10m to 30d", text)
	}
	return ttl, nil
}

func parseSelfService(text string) (bool, error) {
	if text != "recovery" {
		return false, fmt.Errorf("%q is not recovery", text)
	}
	return true, nil
}

func parseBearers(text string) ([]string, error) { return list(text, api.ParseBearer) }

// list parses the items of a list, which commas separate.
func list[T any](text string, parse func(string) (T, error)) (all []T, err error) {
	for item := range strings.SplitSeq(text, ",") {
		value, err := parse(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

// MinBearer is the characters of a bearer that nobody can guess: 22 of base64 are
// 128 random bits.
const MinBearer = 22

func parseAdminBearers(text string) ([]string, error) { return list(text, parseAdminBearer) }

func parseAdminBearer(text string) (string, error) {
	text, err := api.ParseBearer(text)
	if err == nil && len(text) < MinBearer {
		err = fmt.Errorf("bearer has %d characters: want at least %d, which nobody can guess", len(text), MinBearer)
	}
	return text, err
}

// KeyBytes is the length of an encryption key.
const KeyBytes = 32

func parseEncryptionKeys(text string) ([][]byte, error) {
	return list(text, func(item string) ([]byte, error) {
		key, err := base64.StdEncoding.DecodeString(item)
		if err != nil || len(key) != KeyBytes {
			return nil, fmt.Errorf("an encryption key is not %d bytes in base64", KeyBytes)
		}
		return key, nil
	})
}

func parseDatabaseURL(text string) (string, error) { return text, sqlstore.CheckURL(text) }

func parseListenAddr(text string) (string, error) {
	if _, ok, err := api.SocketPath(text); ok {
		return text, err
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q is not HOST:PORT or unix:PATH", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("port is %q: want 0 to 65535", port)
	}
	return text, nil
}

func parseFile(text string) (string, error) {
	if text == "" {
		return "", errors.New("file name is empty")
	}
	if strings.Contains(text, "-----BEGIN") {
		return "", errors.New("want the name of a file, not what is in it")
	}
	return text, nil
}

// The values of LOG_FORMAT.
const (
	FormatText = "text"
	FormatJSON = "json"
)

func parseLogFormat(text string) (string, error) {
	if text != FormatText && text != FormatJSON {
		return "", fmt.Errorf("%q is neither %s nor %s", text, FormatText, FormatJSON)
	}
	return text, nil
}

func parseLogLevel(text string) (slog.Level, error) {
	level, ok := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[text]
	if !ok {
		return 0, fmt.Errorf("%q is none of debug, info, warn and error", text)
	}
	return level, nil
}

// parseOrigins reads an empty list, too: no origin.
func parseOrigins(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	return list(text, func(item string) (string, error) {
		u, err := url.Parse(item)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != item {
			return "", fmt.Errorf("%q is not an origin", item)
		}
		return item, nil
	})
}
