package metrics

import (
	"fmt"
	"math"
	"strconv"

	"github.com/VictoriaMetrics/metrics"
)

// The upper bounds of the histograms' buckets: seconds, and rows.
var (
	timeBuckets = []float64{.001, .005, .025, .1, .5, 2.5, 10}
	rowBuckets  = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// A histogram is Prometheus', with cumulative buckets.
type histogram struct {
	bounds  []float64
	buckets []*metrics.Counter // the last one has no bound
	count   *metrics.Counter
	sum     *metrics.FloatCounter
}

// newHistogram takes the labels as they are written, without braces; "" is none.
func (m *Metrics) newHistogram(name, labels string, bounds []float64) *histogram {
	h := &histogram{bounds: append(bounds[:len(bounds):len(bounds)], math.Inf(1))}
	first, alone := "", ""
	if labels != "" {
		first, alone = labels+",", "{"+labels+"}"
	}
	for _, bound := range h.bounds {
		h.buckets = append(h.buckets, m.set.NewCounter(fmt.Sprintf("%s_bucket{%sle=%q}", name, first, boundText(bound))))
	}
	h.count, h.sum = m.set.NewCounter(name+"_count"+alone), m.set.NewFloatCounter(name+"_sum"+alone)
	return h
}

func boundText(bound float64) string {
	if math.IsInf(bound, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(bound, 'g', -1, 64)
}

func (h *histogram) observe(value float64) {
	for i := len(h.bounds) - 1; i >= 0 && value <= h.bounds[i]; i-- {
		h.buckets[i].Inc()
	}
	h.count.Inc()
	h.sum.Add(value)
}
