package doctor

import (
	"cmp"
	"context"
	"time"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/server/client"
)

const (
	// askTime bounds a question to a server.
	askTime = 5 * time.Second

	// precision is what a Date header and the way of its answer leave uncertain.
	precision = 3 * time.Second
)

// server asks whether the server gives verdicts.
func server(ctx context.Context, p *patient) []Finding {
	if p.Server == nil {
		return nil
	}
	r, err := client.Ready(ctx, client.Config{URL: p.Server.String(), Timeout: askTime, Clock: p.Clock})
	switch {
	case err != nil:
		return []Finding{failed(err)}
	case !r.Ready:
		return []Finding{fault("its log says why", "the server at %s is not ready: %s", p.Server, r.Text)}
	}
	found := []Finding{fine("the server at %s is ready", p.Server)}
	if r.ClockOffset != nil {
		found = append(found, p.offset(*r.ClockOffset, cmp.Or(p.Server.Host, p.Server.String())))
	}
	return found
}

// clock compares this machine's clock with that of a host which the user trusts.
func clock(ctx context.Context, p *patient) []Finding {
	if p.Date == nil {
		return nil
	}
	offset, err := client.Offset(ctx, client.Config{URL: p.Date.String(), Timeout: askTime, Clock: p.Clock})
	if err != nil {
		return []Finding{warning(hint.Of(err), "the clock was not compared: %v", err)}
	}
	return []Finding{p.offset(offset, p.Date.Host)}
}

// offset tells how far another clock is ahead. Half a period makes right codes wrong.
func (p *patient) offset(ahead time.Duration, host string) Finding {
	const way = "set both clocks by NTP: most wrong codes are wrong clocks"
	away, direction := ahead.Abs().Round(time.Second), "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	switch {
	case away > p.period()/2:
		return fault(way, "the clock of %s is %v %s this machine's: right codes are refused", host, away, direction)
	case away > precision:
		return warning(way, "the clock of %s is %v %s this machine's", host, away, direction)
	}
	return fine("the clocks of %s and of this machine agree", host)
}

// period returns TOTP_PERIOD, and its default where that can't be read.
func (p *patient) period() time.Duration {
	if p.Unread == nil {
		if period := config.Take(p.read(), config.Period); period > 0 {
			return period
		}
	}
	return 30 * time.Second
}
