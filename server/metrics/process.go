package metrics

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// A process is what the operating system tells of this one. What it does not tell is 0.
type process struct {
	cpu             time.Duration
	resident        uint64 // bytes
	openFDs, maxFDs uint64
}

func writeProcess(w io.Writer, start time.Time) {
	fmt.Fprintf(w, "process_start_time_seconds %.3f\n", float64(start.UnixMilli())/1000)
	if p, ok := readProcess(); ok {
		fmt.Fprintf(w, "process_cpu_seconds_total %g\n", p.cpu.Seconds())
		fmt.Fprintf(w, "process_resident_memory_bytes %d\n", p.resident)
		fmt.Fprintf(w, "process_open_fds %d\n", p.openFDs)
		fmt.Fprintf(w, "process_max_fds %d\n", p.maxFDs)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Fprintf(w, "go_goroutines %d\n", runtime.NumGoroutine())
	fmt.Fprintf(w, "go_memstats_heap_alloc_bytes %d\n", memory.HeapAlloc)
	fmt.Fprintf(w, "go_memstats_sys_bytes %d\n", memory.Sys)
	fmt.Fprintf(w, "go_gc_cycles_total %d\n", memory.NumGC)
	fmt.Fprintf(w, "go_info{version=%q} 1\n", runtime.Version())
}
