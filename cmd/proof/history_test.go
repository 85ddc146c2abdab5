//go:build linux

package proof

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
)

// An offer is a code that is good once: that of a step of an account.
type offer struct {
	account string
	step    int64
	code    string
}

// offersOf are the two codes of each account that are good now: that of the
// present step and then that of the next.
func offersOf(t *testing.T, keys []totp.Entry) (offers []offer) {
	t.Helper()
	now := time.Now()
	for _, k := range keys {
		for _, at := range []time.Time{now, now.Add(cmdtest.Period)} {
			step, err := k.Key.Step(at)
			if err != nil {
				t.Fatal(err)
			}
			code, err := k.Key.Code(at)
			if err != nil {
				t.Fatal(err)
			}
			offers = append(offers, offer{k.Account, step, code})
		}
	}
	return offers
}

// The outcomes of an offer, as its client has seen them.
const (
	outcomeAccepted = "accepted"
	outcomeReplayed = "replayed"
	outcomeUnknown  = "unknown" // the answer was lost, or was that there is no verdict
)

// A history is what clients did and saw.
type history struct {
	t     *testing.T
	begin time.Time
	mu    sync.Mutex
	all   []porcupine.Operation
}

func newHistory(t *testing.T) *history { return &history{t: t, begin: time.Now()} }

// offer offers a code to a server once and records what came of it.
func (h *history) offer(client int, url string, o offer) string {
	call := time.Since(h.begin)
	answer := check(hasty, url, o.account, o.code, "")
	outcome := outcomeUnknown
	switch {
	case !answer.reached:
		return outcomeUnknown // nothing happened: nobody listened
	case answer.status == 0 || answer.status == 503:
	case answer.Status:
		outcome = outcomeAccepted
	case answer.Reason == "replayed":
		outcome = outcomeReplayed
	default:
		h.t.Errorf("code %d of %s: %+v", o.step, o.account, answer)
	}
	operation := porcupine.Operation{ClientId: client, Input: o, Call: int64(call), Output: outcome, Return: int64(time.Since(h.begin))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, operation)
	return outcome
}

// model is what the contract says of one account: a step later than the
// last accepted one is accepted, any other is refused. An offer of unknown
// outcome has been accepted, or not.
var model = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byAccount := map[string][]porcupine.Operation{}
		for _, o := range history {
			account := o.Input.(offer).account
			byAccount[account] = append(byAccount[account], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byAccount {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{int64(0)} },
	Step: func(state, input, output any) []any {
		last, step := state.(int64), input.(offer).step
		switch {
		case output == outcomeAccepted && step > last:
			return []any{step}
		case output == outcomeReplayed && step <= last:
			return []any{last}
		case output == outcomeUnknown:
			return []any{last, max(last, step)}
		}
		return nil
	},
	Hash: func(state any) uint64 { return uint64(state.(int64)) },
}

// reduced is a history that is linearizable if and only if the given one is, and
// small enough for the checker, which is exponential in offers of unknown outcome.
// The last accepted step never goes back. So of several refusals of one code the
// one answered first implies the others; and of several offers of unknown outcome
// the one made first could have done what any other could, at any later time.
func reduced(history []porcupine.Operation) (kept []porcupine.Operation) {
	refused, unknown := map[offer]porcupine.Operation{}, map[offer]porcupine.Operation{}
	for _, o := range unbounded(history) {
		code := o.Input.(offer)
		first, seen := refused[code]
		earliest, lost := unknown[code]
		switch {
		case o.Output == outcomeAccepted:
			kept = append(kept, o)
		case o.Output == outcomeReplayed && (!seen || o.Return < first.Return):
			refused[code] = o
		case o.Output == outcomeUnknown && (!lost || o.Call < earliest.Call):
			unknown[code] = o
		}
	}
	return slices.AppendSeq(slices.AppendSeq(kept, maps.Values(refused)), maps.Values(unknown))
}

// unbounded gives offers of unknown outcome all time to take effect.
func unbounded(history []porcupine.Operation) []porcupine.Operation {
	history = slices.Clone(history)
	for i := range history {
		if history[i].Output == outcomeUnknown {
			history[i].Return = math.MaxInt64
		}
	}
	return history
}

// check fails the test unless the history is linearizable and no code was
// accepted twice.
func (h *history) check() {
	h.t.Helper()
	accepted, counts := map[offer]int{}, map[string]int{}
	for _, o := range h.all {
		counts[o.Output.(string)]++
		if o.Output == outcomeAccepted {
			accepted[o.Input.(offer)]++
		}
	}
	for o, n := range accepted {
		if n > 1 {
			h.t.Errorf("code %d of %s was accepted %d times", o.step, o.account, n)
		}
	}
	result := porcupine.CheckOperationsTimeout(model.ToModel(), reduced(h.all), time.Minute)
	if result != porcupine.Ok {
		h.t.Errorf("linearizable: %s", result)
	}
	h.t.Logf("%d offers in %v: %v", len(h.all), time.Since(h.begin).Round(time.Millisecond), counts)
}

// accepted are the codes whose acceptance a client was told of.
func (h *history) accepted() (offers []offer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.all {
		if o.Output == outcomeAccepted {
			offers = append(offers, o.Input.(offer))
		}
	}
	return offers
}

// A crowd has clients offer the same codes in the same order, each code by
// as many requests as there are clients, again and again until there is a
// verdict.
type crowd struct {
	history *history
	servers []*cmdtest.Server
	offers  []offer
	next    *atomic.Int64 // over clients: the offer
	clients int
}

// run returns when stop is closed and every client has left.
func (c crowd) run(stop <-chan struct{}) {
	var all sync.WaitGroup
	for client := range c.clients {
		all.Go(func() {
			for try := client; ; {
				i := int(c.next.Add(1)-1) / c.clients
				if i >= len(c.offers) {
					return
				}
				for outcome := outcomeUnknown; outcome == outcomeUnknown; try++ {
					select {
					case <-stop:
						return
					default:
					}
					outcome = c.history.offer(client, c.servers[try%len(c.servers)].URL, c.offers[i])
					if outcome == outcomeUnknown {
						time.Sleep(20 * time.Millisecond)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestTheModelTellsGoodHistoriesFromBad(t *testing.T) {
	type op struct {
		step         int64
		outcome      string
		call, answer int64
	}
	for name, v := range map[string]struct {
		history []op
		want    bool
	}{
		"accepted, then replayed":               {[]op{{5, outcomeAccepted, 0, 1}, {5, outcomeReplayed, 2, 3}}, true},
		"accepted twice":                        {[]op{{5, outcomeAccepted, 0, 1}, {5, outcomeAccepted, 2, 3}}, false},
		"accepted twice at once":                {[]op{{5, outcomeAccepted, 0, 3}, {5, outcomeAccepted, 1, 2}}, false},
		"an earlier step after a later":         {[]op{{6, outcomeAccepted, 0, 1}, {5, outcomeAccepted, 2, 3}}, false},
		"replayed before anything":              {[]op{{5, outcomeReplayed, 0, 1}, {5, outcomeAccepted, 2, 3}}, false},
		"replayed while it is accepted":         {[]op{{5, outcomeReplayed, 0, 2}, {5, outcomeAccepted, 1, 3}}, true},
		"forgotten":                             {[]op{{5, outcomeAccepted, 0, 1}, {5, outcomeReplayed, 2, 3}, {5, outcomeAccepted, 4, 5}}, false},
		"a lost answer was an acceptance":       {[]op{{5, outcomeUnknown, 0, 1}, {5, outcomeReplayed, 2, 3}}, true},
		"a lost answer was none":                {[]op{{5, outcomeUnknown, 0, 1}, {5, outcomeAccepted, 2, 3}}, true},
		"a lost answer took effect late":        {[]op{{6, outcomeUnknown, 0, 1}, {5, outcomeAccepted, 2, 3}, {6, outcomeReplayed, 4, 5}}, true},
		"a lost answer cannot precede its call": {[]op{{5, outcomeReplayed, 0, 1}, {5, outcomeUnknown, 2, 3}}, false},
	} {
		var history []porcupine.Operation
		for i, o := range v.history {
			history = append(history, porcupine.Operation{ClientId: i, Input: offer{"a", o.step, ""}, Output: o.outcome, Call: o.call, Return: o.answer})
		}
		if got := porcupine.CheckOperations(model.ToModel(), reduced(history)); got != v.want {
			t.Errorf("%s: linearizable is %v, want %v", name, got, v.want)
		}
	}
}

// reduced is right if it changes no result: most of these random histories are
// not linearizable, many are.
func TestReducedHistoriesAreLinearizableWhenTheWholeOnesAre(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	results := map[bool]int{}
	for range 5000 {
		var history []porcupine.Operation
		for i := range 1 + random.IntN(7) {
			call := random.Int64N(20)
			history = append(history, porcupine.Operation{
				ClientId: i, Call: call, Return: call + 1 + random.Int64N(12), Input: offer{"a", 5 + random.Int64N(2), ""},
				Output: []string{outcomeAccepted, outcomeReplayed, outcomeReplayed, outcomeUnknown, outcomeUnknown}[random.IntN(5)]})
		}
		whole := porcupine.CheckOperations(model.ToModel(), unbounded(history))
		if got := porcupine.CheckOperations(model.ToModel(), reduced(history)); got != whole {
			t.Fatalf("reduced: %v, whole: %v: %+v", got, whole, history)
		}
		results[whole]++
	}
	if results[true] < 500 || results[false] < 500 {
		t.Errorf("results %v: the histories are not varied enough", results)
	}
}

func (o offer) String() string { return fmt.Sprintf("%s step %d", o.account, o.step) }
