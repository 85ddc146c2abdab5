package cmd_test

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

	"totpctl/totp"
)

// A proofOffer is a code that is good once: that of a step of an account.
type proofOffer struct {
	account string
	step    int64
	code    string
}

// proofOffers are the two codes of each account that are good now: that of the
// present step and then that of the next.
func proofOffers(t *testing.T, keys []totp.Entry) (offers []proofOffer) {
	t.Helper()
	now := time.Now()
	for _, k := range keys {
		for _, at := range []time.Time{now, now.Add(proofPeriod)} {
			step, err := k.Key.Step(at)
			if err != nil {
				t.Fatal(err)
			}
			code, err := k.Key.Code(at)
			if err != nil {
				t.Fatal(err)
			}
			offers = append(offers, proofOffer{k.Account, step, code})
		}
	}
	return offers
}

// The outcomes of an offer, as its client has seen them.
const (
	proofAccepted = "accepted"
	proofReplayed = "replayed"
	proofUnknown  = "unknown" // the answer was lost, or was that there is no verdict
)

// A proofHistory is what clients did and saw.
type proofHistory struct {
	t     *testing.T
	begin time.Time
	mu    sync.Mutex
	all   []porcupine.Operation
}

func newProofHistory(t *testing.T) *proofHistory { return &proofHistory{t: t, begin: time.Now()} }

// offer offers a code to a server once and records what came of it.
func (h *proofHistory) offer(client int, url string, o proofOffer) string {
	call := time.Since(h.begin)
	answer := proofCheck(hastyProofClient, url, o.account, o.code, "")
	outcome := proofUnknown
	switch {
	case !answer.reached:
		return proofUnknown // nothing happened: nobody listened
	case answer.status == 0 || answer.status == 503:
	case answer.Status:
		outcome = proofAccepted
	case answer.Reason == "replayed":
		outcome = proofReplayed
	default:
		h.t.Errorf("code %d of %s: %+v", o.step, o.account, answer)
	}
	operation := porcupine.Operation{ClientId: client, Input: o, Call: int64(call), Output: outcome, Return: int64(time.Since(h.begin))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, operation)
	return outcome
}

// proofModel is what the contract says of one account: a step later than the
// last accepted one is accepted, any other is refused. An offer of unknown
// outcome has been accepted, or not.
var proofModel = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byAccount := map[string][]porcupine.Operation{}
		for _, o := range history {
			account := o.Input.(proofOffer).account
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
		last, step := state.(int64), input.(proofOffer).step
		switch {
		case output == proofAccepted && step > last:
			return []any{step}
		case output == proofReplayed && step <= last:
			return []any{last}
		case output == proofUnknown:
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
	refused, unknown := map[proofOffer]porcupine.Operation{}, map[proofOffer]porcupine.Operation{}
	for _, o := range unbounded(history) {
		offer := o.Input.(proofOffer)
		first, seen := refused[offer]
		earliest, lost := unknown[offer]
		switch {
		case o.Output == proofAccepted:
			kept = append(kept, o)
		case o.Output == proofReplayed && (!seen || o.Return < first.Return):
			refused[offer] = o
		case o.Output == proofUnknown && (!lost || o.Call < earliest.Call):
			unknown[offer] = o
		}
	}
	return slices.AppendSeq(slices.AppendSeq(kept, maps.Values(refused)), maps.Values(unknown))
}

// unbounded gives offers of unknown outcome all time to take effect.
func unbounded(history []porcupine.Operation) []porcupine.Operation {
	history = slices.Clone(history)
	for i := range history {
		if history[i].Output == proofUnknown {
			history[i].Return = math.MaxInt64
		}
	}
	return history
}

// check fails the test unless the history is linearizable and no code was
// accepted twice.
func (h *proofHistory) check() {
	h.t.Helper()
	accepted, counts := map[proofOffer]int{}, map[string]int{}
	for _, o := range h.all {
		counts[o.Output.(string)]++
		if o.Output == proofAccepted {
			accepted[o.Input.(proofOffer)]++
		}
	}
	for o, n := range accepted {
		if n > 1 {
			h.t.Errorf("code %d of %s was accepted %d times", o.step, o.account, n)
		}
	}
	result := porcupine.CheckOperationsTimeout(proofModel.ToModel(), reduced(h.all), time.Minute)
	if result != porcupine.Ok {
		h.t.Errorf("linearizable: %s", result)
	}
	h.t.Logf("%d offers in %v: %v", len(h.all), time.Since(h.begin).Round(time.Millisecond), counts)
}

// accepted are the codes whose acceptance a client was told of.
func (h *proofHistory) accepted() (offers []proofOffer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.all {
		if o.Output == proofAccepted {
			offers = append(offers, o.Input.(proofOffer))
		}
	}
	return offers
}

// A proofLoad has clients offer the same codes in the same order, each code by
// as many requests as there are clients, again and again until there is a
// verdict.
type proofLoad struct {
	history *proofHistory
	servers []*proofServer
	offers  []proofOffer
	next    *atomic.Int64 // over clients: the offer
	clients int
}

// run returns when stop is closed and every client has left.
func (l proofLoad) run(stop <-chan struct{}) {
	var all sync.WaitGroup
	for client := range l.clients {
		all.Go(func() {
			for try := client; ; {
				i := int(l.next.Add(1)-1) / l.clients
				if i >= len(l.offers) {
					return
				}
				for outcome := proofUnknown; outcome == proofUnknown; try++ {
					select {
					case <-stop:
						return
					default:
					}
					outcome = l.history.offer(client, l.servers[try%len(l.servers)].url, l.offers[i])
					if outcome == proofUnknown {
						time.Sleep(20 * time.Millisecond)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestTheModelOfTheProofsTellsGoodHistoriesFromBad(t *testing.T) {
	type op struct {
		step         int64
		outcome      string
		call, answer int64
	}
	for name, v := range map[string]struct {
		history []op
		want    bool
	}{
		"accepted, then replayed":               {[]op{{5, proofAccepted, 0, 1}, {5, proofReplayed, 2, 3}}, true},
		"accepted twice":                        {[]op{{5, proofAccepted, 0, 1}, {5, proofAccepted, 2, 3}}, false},
		"accepted twice at once":                {[]op{{5, proofAccepted, 0, 3}, {5, proofAccepted, 1, 2}}, false},
		"an earlier step after a later":         {[]op{{6, proofAccepted, 0, 1}, {5, proofAccepted, 2, 3}}, false},
		"replayed before anything":              {[]op{{5, proofReplayed, 0, 1}, {5, proofAccepted, 2, 3}}, false},
		"replayed while it is accepted":         {[]op{{5, proofReplayed, 0, 2}, {5, proofAccepted, 1, 3}}, true},
		"forgotten":                             {[]op{{5, proofAccepted, 0, 1}, {5, proofReplayed, 2, 3}, {5, proofAccepted, 4, 5}}, false},
		"a lost answer was an acceptance":       {[]op{{5, proofUnknown, 0, 1}, {5, proofReplayed, 2, 3}}, true},
		"a lost answer was none":                {[]op{{5, proofUnknown, 0, 1}, {5, proofAccepted, 2, 3}}, true},
		"a lost answer took effect late":        {[]op{{6, proofUnknown, 0, 1}, {5, proofAccepted, 2, 3}, {6, proofReplayed, 4, 5}}, true},
		"a lost answer cannot precede its call": {[]op{{5, proofReplayed, 0, 1}, {5, proofUnknown, 2, 3}}, false},
	} {
		var history []porcupine.Operation
		for i, o := range v.history {
			history = append(history, porcupine.Operation{ClientId: i, Input: proofOffer{"a", o.step, ""}, Output: o.outcome, Call: o.call, Return: o.answer})
		}
		if got := porcupine.CheckOperations(proofModel.ToModel(), reduced(history)); got != v.want {
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
				ClientId: i, Call: call, Return: call + 1 + random.Int64N(12), Input: proofOffer{"a", 5 + random.Int64N(2), ""},
				Output: []string{proofAccepted, proofReplayed, proofReplayed, proofUnknown, proofUnknown}[random.IntN(5)]})
		}
		whole := porcupine.CheckOperations(proofModel.ToModel(), unbounded(history))
		if got := porcupine.CheckOperations(proofModel.ToModel(), reduced(history)); got != whole {
			t.Fatalf("reduced: %v, whole: %v: %+v", got, whole, history)
		}
		results[whole]++
	}
	if results[true] < 500 || results[false] < 500 {
		t.Errorf("results %v: the histories are not varied enough", results)
	}
}

func (o proofOffer) String() string { return fmt.Sprintf("%s step %d", o.account, o.step) }
