package audit

import (
	"errors"
	"time"
)

// An outage begins with fail, which answers everybody who waits, and ends with resume, which
// opens the file anew.

// late answers those who wait for a write that hangs.
func (l *Log) late() {
	l.broken("writing", errSlow)
	l.mu.Lock()
	f := l.file
	l.mu.Unlock()
	if f != nil {
		f.interrupt()
	}
}

// broken logs an error and refuses events from then on.
func (l *Log) broken(doing string, err error) {
	if l.fail(err) {
		l.config.Log.Error(doing+" the audit log failed: no verdicts and no changes until it goes on", "error", err.Error())
	}
}

// fail answers those who wait with the error, and everybody after them. It reports whether
// the Log has failed for the first time, or for another reason.
func (l *Log) fail(err error) (news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, all := range [][]*record{l.writing, l.waiting} {
		for _, r := range all {
			r.answer <- err
			l.lost += r.events
		}
	}
	l.writing, l.waiting, l.repeats = nil, nil, nil
	news = l.err == nil || withoutPath(l.err).Error() != withoutPath(err).Error()
	l.err = err
	return news
}

// resume opens the file anew, and takes events again if it can write that it has.
func (l *Log) resume() error {
	f, err := l.openAgain()
	if err != nil {
		l.broken("opening", err)
		return err
	}
	l.mu.Lock()
	lost := l.lost
	l.mu.Unlock()
	text := line{Time: stamp(l.config.Clock()), Event: kindOpen, Lost: lost}.appendTo(nil)
	if err := l.guard(func() error { return errors.Join(f.append(text), f.sync()) }); err != nil {
		l.broken("writing", err)
		return err
	}
	l.mu.Lock()
	l.lost, l.err = l.lost-lost, nil
	l.mu.Unlock()
	l.config.Log.Info("audit log is open", "file", f.Name(), "lost_events", lost)
	return nil
}

func (l *Log) openAgain() (f *file, err error) {
	old := l.file
	if l.config.Path == "" {
		if old == nil {
			old = &file{File: l.config.Output}
		}
		old.SetWriteDeadline(time.Time{}) // where interrupt has set one
		l.setFile(old)
		return old, nil
	}
	if err = l.guard(func() error { f, err = openFile(l.config.Path); return err }); err != nil {
		return nil, err
	}
	if old != nil {
		f.torn = old.torn && !f.regular
		old.Close()
	}
	l.setFile(f)
	return f, nil
}

func (l *Log) setFile(f *file) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = f
}
