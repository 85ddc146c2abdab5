package hint_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"totpctl/cmd/hint"
)

func TestTheOutermostHintIsShownAndTheErrorIsWhatItWas(t *testing.T) {
	inner := hint.With(io.ErrUnexpectedEOF, "see page %d", 1)
	for _, v := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {io.EOF, ""}, {inner, "see page 1"}, {fmt.Errorf("reading: %w", inner), "see page 1"},
		{hint.With(inner, "see %s", "there"), "see there"}, {errors.Join(io.EOF, inner), "see page 1"},
	} {
		if got := hint.Of(v.err); got != v.want {
			t.Errorf("the hint of %v is %q, want %q", v.err, got, v.want)
		}
	}
	if !errors.Is(inner, io.ErrUnexpectedEOF) || inner.Error() != io.ErrUnexpectedEOF.Error() {
		t.Errorf("the error has become %v", inner)
	}
}
