package doctor

import (
	"context"

	"totpctl/cmd/config"
	"totpctl/server/api"
)

// recovery tells whether recovery codes begin new enrolments.
func recovery(_ context.Context, p *patient) []Finding {
	s := p.read()
	on, public := config.Take(s, config.SelfService), s.PublicURL()
	switch {
	case s.Err() != nil:
		return unread(s)
	case !on:
		return nil
	case !api.HasLinks(public):
		return []Finding{warning("set PUBLIC_URL to an https address, or leave out SELF_SERVICE",
			"there is no page /recover although SELF_SERVICE asks for it, because PUBLIC_URL is neither https nor this machine's")}
	}
	return []Finding{fine("whoever has a recovery code enrols a new phone at %s: keep that behind the application's first factor", public.JoinPath("recover"))}
}
