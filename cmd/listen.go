package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/server/api"
)

const anotherAddr = "stop what listens there, or choose another with LISTEN_ADDR or --listen-addr"

// listen returns the socket that the service manager passes or, without one, that of
// LISTEN_ADDR.
func (c serveConfig) listen(ctx context.Context) (net.Listener, error) {
	l, err := passed()
	if l != nil || err != nil {
		return l, err
	}
	if path, ok, _ := api.SocketPath(c.listenAddr); ok {
		return listenUnix(ctx, path)
	}
	return listen(ctx, config.ListenAddr.Info, c.listenAddr)
}

// listen listens on the address that a variable has.
func listen(ctx context.Context, v config.Info, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, network(addr), addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hint.With(fmt.Errorf("listening on %s %s: the port is taken", v.Name, addr), "stop what listens there, or choose another with %s or --%s", v.Name, v.Flag)
	case err != nil:
		return nil, hint.With(fmt.Errorf("listening on %s: %w", v.Name, err), "%s or --%s is HOST:PORT of this machine", v.Name, v.Flag)
	}
	return l, nil
}

// network returns tcp4 for an IPv4 address, because Go's tcp would take 0.0.0.0 for
// IPv6's interfaces, too. An address without a host and [::] mean both kinds.
func network(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().Is4() {
		return "tcp4"
	}
	return "tcp"
}

// passed returns the listener of a socket that the service manager has opened
// (sd_listen_fds(3)), nil if there is none. Closing it leaves a unix socket in place.
func passed() (net.Listener, error) {
	const way = "the .socket unit has one ListenStream= and no Accept=yes"
	files := activation.Files(true)
	var names []string
	for _, f := range files {
		defer f.Close() // net.FileListener duplicates it
		names = append(names, f.Name())
	}
	switch {
	case len(files) == 0:
		return nil, nil
	case len(files) > 1:
		return nil, hint.With(fmt.Errorf("taking over the socket: %d were passed (%s): want one", len(files), strings.Join(names, ", ")), way)
	case !isListening(files[0]):
		return nil, hint.With(fmt.Errorf("taking over the socket: %s does not listen", names[0]), way)
	}
	l, err := net.FileListener(files[0])
	if err != nil {
		return nil, hint.With(fmt.Errorf("taking over the socket: %w", err), way)
	}
	return l, nil
}

const (
	// socketMode lets a group ask, such as a proxy's.
	socketMode = 0o660
	// probeTimeout is how long a server may take to accept a connection. One that is busy
	// for longer still holds its socket.
	probeTimeout = time.Second
)

// listenUnix listens on a socket in the file system. It replaces one that a dead server
// has left, and nothing else. The folder is locked meanwhile, because two servers that
// start at the same time would both take the other's socket for a dead one.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	defer lockFolder(filepath.Dir(path))()
	if err := removeStale(ctx, path); err != nil {
		return nil, unixError(path, err, anotherAddr)
	}
	l, err := (&net.ListenConfig{Control: restrict}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, unixError(path, err, "LISTEN_ADDR=unix:PATH needs a folder that this user may write to")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	own, err := os.Lstat(path)
	if err == nil {
		err = os.Chmod(path, socketMode)
	}
	if err != nil {
		return nil, errors.Join(unixError(path, err, anotherAddr), l.Close())
	}
	return socket{l, path, own}, nil
}

func unixError(path string, err error, way string) error {
	return hint.With(fmt.Errorf("listening on LISTEN_ADDR unix:%s: %w", path, hint.WithoutPath(err)), "%s", way)
}

// removeStale removes a socket that nobody listens on. Only a refused connection shows
// that: every other error may come from a live server.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is something else than a socket, which is not removed")
	}
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		conn.Close()
		return errors.New("a server listens there already")
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("a server may listen there already: %w", err)
	}
	return os.Remove(path)
}

// A socket is a listener that removes its file when it is closed.
type socket struct {
	net.Listener
	path string
	own  os.FileInfo
}

// Close implements net.Listener. Only the first call removes the file, and only if it is
// the listener's own: another server may have put one of the same name there.
func (s socket) Close() error {
	now, gone := os.Lstat(s.path) // before the inode may be given to another file
	err := s.Listener.Close()
	if err == nil && gone == nil && os.SameFile(s.own, now) {
		return os.Remove(s.path)
	}
	return err
}

// shownAddr returns an address as LISTEN_ADDR has it.
func shownAddr(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	return addr.String()
}
