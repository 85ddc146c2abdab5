//go:build linux

package cmd_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/totptest"
)

const (
	alertRules       = "../server/metrics/alerts.yml"
	dashboard        = "../server/metrics/dashboard.json"
	watchedBearer    = "admin-bearer-of-the-watched"
	alertPatience    = time.Minute
	scrapeConfigText = `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: totpctl, static_configs: [{targets: [%q]}]}]
`
)

// A watched server has all that the metrics can tell: TLS, an audit log, accounts.
type watched struct {
	t        *testing.T
	server   *cmdtest.Server
	dir      string // of the audit log
	database string
	client   *http.Client
	entries  map[string]totp.Entry
	metrics  string // address
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	dir := t.TempDir()
	w := &watched{t: t, dir: filepath.Join(dir, "audit"), database: filepath.Join(dir, "totpctl.db"), entries: map[string]totp.Entry{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	run(t, "", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=watched", "-keyout", key, "-out", cert)
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := cmdtest.NewProgram(t, "sqlite:"+w.database)
	p.Env = append(p.Env, "ADMIN_BEARER="+watchedBearer, "TLS_CERT_FILE="+cert, "TLS_KEY_FILE="+key, "METRICS_ADDR=127.0.0.1:0", "AUDIT_LOG="+filepath.Join(w.dir, "audit.log"))
	w.server = p.Serve()
	addr := regexp.MustCompile(`"msg":"metrics are served","url":"http://([^"/]+)/metrics"`).FindStringSubmatch(w.server.Lines())
	if addr == nil {
		t.Fatalf("the log names no address of metrics:\n%s", w.server.Lines())
	}
	w.metrics = addr[1]
	return w
}

// run runs a program and returns what it prints, on both streams.
func run(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// ask returns the answer to a request.
func (w *watched) ask(method, path, bearer, body string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, strings.Replace(w.server.URL, "http:", "https:", 1)+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	return answerOf(w.t, w.client.Do, req)
}

// add adds an account that is active at once.
func (w *watched) add(account string) {
	w.t.Helper()
	k, err := totp.GenerateKey(cmdtest.Scheme())
	if err != nil {
		w.t.Fatal(err)
	}
	w.entries[account] = totp.Entry{Issuer: "Watched", Account: account, Key: k}
	if status, text := w.ask("POST", "/accounts", watchedBearer, fmt.Sprintf(`{"account":%q,"uri":%q}`, account, w.entries[account].URI())); status != 201 {
		w.t.Fatalf("adding %s: %d %s", account, status, text)
	}
}

// check wants a verdict that says so.
func (w *watched) check(account, code, want string) {
	w.t.Helper()
	if _, text := w.ask("POST", "/check", cmdtest.Bearer, fmt.Sprintf(`{"account":%q,"code":%q}`, account, code)); !strings.Contains(text, want) {
		w.t.Fatalf("%s: %s, want %s", account, text, want)
	}
}

func (w *watched) wrong(account string) string {
	return totptest.WrongCode(w.entries[account].Key, time.Now())
}

// guessSlowly makes 50 wrong codes of one account, whose owner has it unlocked.
func (w *watched) guessSlowly(account string) {
	for range 25 {
		w.check(account, w.wrong(account), `"invalid"`)
		w.check(account, w.wrong(account), `"invalid"`)
		if status, text := w.ask("POST", "/accounts/"+account+"/unlock", watchedBearer, ""); status >= 300 {
			w.t.Fatalf("unlocking: %d %s", status, text)
		}
	}
}

func (w *watched) hammer(account string) {
	for range 3 {
		w.check(account, w.wrong(account), `"invalid"`)
	}
	for range 300 {
		w.check(account, w.wrong(account), `"throttled"`)
	}
}

func (w *watched) spray() {
	for i := range 30 {
		account := fmt.Sprintf("sprayed-%d", i)
		w.add(account)
		w.check(account, w.wrong(account), `"invalid"`)
	}
}

// drift logs people in whose phones are a step ahead.
func (w *watched) drift() {
	for i := range 6 {
		account := fmt.Sprintf("ahead-%d", i)
		w.add(account)
		w.check(account, totptest.Code(w.t, w.entries[account].Key, time.Now().Add(cmdtest.Period)), `"status":true`)
	}
}

// A prometheus is Debian's, with the rules of the tree.
type prometheus struct {
	t   *testing.T
	url string
}

func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := os.ReadFile(alertRules)
	if err != nil {
		t.Fatal(err)
	}
	rules = regexp.MustCompile(`for: \d+m`).ReplaceAll(rules, []byte("for: 2s"))
	shortened, config := filepath.Join(dir, "alerts.yml"), filepath.Join(dir, "prometheus.yml")
	for file, text := range map[string]string{shortened: string(rules), config: fmt.Sprintf(scrapeConfigText, shortened, target)} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	errOut, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan string, 1), make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(errOut); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`msg="Listening on" address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				listening <- m[1]
			}
		}
	}()
	t.Cleanup(func() { c.Process.Kill(); <-ended; c.Wait() })
	select {
	case addr := <-listening:
		p := &prometheus{t, "http://" + addr}
		p.awaitReady()
		return p
	case <-ended:
		t.Fatalf("prometheus ended:\n%s", log.String())
	case <-time.After(alertPatience):
		t.Fatal("prometheus does not listen")
	}
	return nil
}

// awaitReady waits until it answers queries, which is later than it listens.
func (p *prometheus) awaitReady() {
	p.t.Helper()
	for deadline := time.Now().Add(alertPatience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			p.t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode == http.StatusOK {
			return
		}
	}
	p.t.Fatal("prometheus is not ready")
}

// get reads the data of an answer.
func (p *prometheus) get(path string, data any) {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Status != "success" {
		p.t.Fatalf("%s: %v %s %s", path, err, body.Status, body.Error)
	}
}

// firing returns the names of the alerts that fire.
func (p *prometheus) firing() (names []string) {
	p.t.Helper()
	var data struct {
		Alerts []struct {
			State       string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
	p.get("/api/v1/alerts", &data)
	for _, a := range data.Alerts {
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" || strings.Contains(a.Annotations["summary"], "<no value>") {
			p.t.Errorf("%s says %q", a.Labels["alertname"], a.Annotations)
		}
		if a.State == "firing" && !slices.Contains(names, a.Labels["alertname"]) {
			names = append(names, a.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return names
}

// await waits until these alerts fire.
func (p *prometheus) await(want ...string) {
	p.t.Helper()
	var firing []string
	for deadline := time.Now().Add(alertPatience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		firing = p.firing()
		if !slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(firing, name) }) {
			return
		}
	}
	p.t.Fatalf("%q fire, want %q", firing, want)
}

// samples returns how many series a query has.
func (p *prometheus) samples(query string) int {
	p.t.Helper()
	var data struct{ Result []any }
	p.get("/api/v1/query?query="+url.QueryEscape(query), &data)
	return len(data.Result)
}

func TestEachAlertFiresForWhatItIsAbout(t *testing.T) {
	run(t, "", "promtool", "check", "rules", alertRules)
	w := newWatched(t)
	resp, err := http.Get("http://" + w.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if out := run(t, string(text), "promtool", "check", "metrics"); err != nil || out != "" {
		t.Errorf("promtool: %v %s", err, out)
	}
	p := startPrometheus(t, w.metrics)

	// The certificate ends in two days. Nothing else is wrong, whatever people do by mistake.
	w.add("alice")
	w.check("alice", w.wrong("alice"), `"invalid"`)
	w.check("alice", totptest.Code(t, w.entries["alice"].Key, time.Now()), `"status":true`)
	p.await("TotpctlCertificateEnds")
	if firing := p.firing(); len(firing) != 1 {
		t.Errorf("%q fire before anything is wrong", firing)
	}

	w.add("guessed")
	w.guessSlowly("guessed")
	w.add("hammered")
	w.hammer("hammered")
	w.spray()
	w.drift()
	p.await("TotpctlAccountGuessed", "TotpctlThrottledFlood", "TotpctlSpraying", "TotpctlClockDrift")
	if firing := p.firing(); len(firing) != 5 {
		t.Errorf("%q fire", firing)
	}
	dashboardIsAnswered(t, p)

	away := w.dir + ".away"
	if err := os.Rename(w.dir, away); err != nil {
		t.Fatal(err)
	}
	w.server.Signal(syscall.SIGHUP)
	p.await("TotpctlAuditFailing")
	if err := os.Rename(away, w.dir); err != nil {
		t.Fatal(err)
	}
	w.server.Signal(syscall.SIGHUP)

	if err := os.Rename(w.database, w.database+".away"); err != nil {
		t.Fatal(err)
	}
	w.ask("POST", "/check", cmdtest.Bearer, `{"code":"12345678"}`)
	p.await("TotpctlStoreDown", "TotpctlNoVerdicts")
	w.server.Kill()
	p.await("TotpctlDown")
}

// A panel is one of Grafana's dashboard JSON model.
type panel struct {
	ID          int
	Type, Title string
	Datasource  map[string]string
	GridPos     struct{ X, Y, W, H int }
	FieldConfig map[string]any
	Options     map[string]any
	Targets     []struct{ RefID, Expr string }
}

// dashboardIsAnswered wants a dashboard that Grafana can show, and data for each query.
func dashboardIsAnswered(t *testing.T, p *prometheus) {
	t.Helper()
	file, err := os.Open(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var d struct {
		Title, UID    string
		SchemaVersion int
		Panels        []panel
	}
	if err := json.NewDecoder(file).Decode(&d); err != nil || d.Title == "" || d.UID == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Fatalf("dashboard: %v %+v", err, d)
	}
	cells, ids := map[[2]int]string{}, map[int]bool{}
	for _, panel := range d.Panels {
		if panel.ID == 0 || ids[panel.ID] || panel.Title == "" || panel.Datasource["type"] != "prometheus" || panel.FieldConfig == nil || panel.Options == nil || len(panel.Targets) == 0 {
			t.Errorf("panel %+v", panel)
		}
		ids[panel.ID] = true
		g := panel.GridPos
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %q, or beyond the screen", panel.Title, other)
				}
				cells[[2]int{x, y}] = panel.Title
			}
		}
		for _, target := range panel.Targets {
			if n := p.samples(strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")); n == 0 || target.RefID == "" {
				t.Errorf("%s: no data for %s", panel.Title, target.Expr)
			}
		}
	}
}
