//go:build linux

package cmd_test

import (
	"os/exec"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// throwaway begins a script that may change /etc, /usr and /var: in a mount namespace of its
// own, whose changes are in memory and end with it. systemctl changes files alone, because
// there may be no systemd that runs.
const throwaway = `set -e
scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
for top in etc usr var; do
	mkdir -p "$scratch/$top/upper" "$scratch/$top/work"
	mount -t overlay overlay -o "lowerdir=/$top,upperdir=$scratch/$top/upper,workdir=$scratch/$top/work" "/$top"
done
export SYSTEMD_OFFLINE=1
cd "$scratch"
install "$TOTPCTL" /usr/local/bin/totpctl
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
`

// asRoot runs a script behind throwaway and returns its standard output.
func asRoot(t *testing.T, script string) string {
	t.Helper()
	c := exec.Command("unshare", "--mount", "bash", "-c", throwaway+script)
	c.Env = append(c.Environ(), "TOTPCTL="+cmdtest.Binary(t))
	var errOut strings.Builder
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s\nends with %v and prints\n%s%s", script, err, out, errOut.String())
	}
	return string(out)
}

func TestTheManualInstallsFromAClone(t *testing.T) {
	got := asRoot(t, "rm /usr/local/bin/totpctl\nPATH=$PATH:$(dirname "+goPath(t)+")\ncd "+freshClone(t)+"\n"+
		cmdtest.Recipe(t, "install.md", "build")+
		cmdtest.Recipe(t, "install.md", "pages")+
		"man totpctl-check | grep -x NAME\n"+
		"man 7 totpctl-install | grep -o 'totpctl-install - '\n"+
		". /usr/share/bash-completion/completions/totpctl; complete -p totpctl\n")
	if want := "\nNAME\ntotpctl-install - \ncomplete -o default -F __start_totpctl totpctl\n"; !strings.HasPrefix(got, "totpctl ") || !strings.HasSuffix(got, want) {
		t.Errorf("it prints\n%s\nwant the version and\n%s", got, want)
	}
}

func goPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheManualsServiceIsInstalledBackedUpAndRestored(t *testing.T) {
	account := "\nrunuser -u totpctl -- env -C /var/lib/totpctl totpctl account "
	got := asRoot(t, cmdtest.Recipe(t, "running.md", "service")+
		"ls /etc/systemd/system/multi-user.target.wants/totpctl.service\n"+
		"stat -c '%U %a' /var/lib/totpctl/.env\n"+
		"systemd-analyze verify totpctl.service"+
		account+"add alice >/dev/null\n"+
		cmdtest.Recipe(t, "backup.md", "service-backup")+
		account+"remove alice\n"+
		cmdtest.Recipe(t, "backup.md", "service-restore")+
		cmdtest.Recipe(t, "backup.md", "service-start")+
		"stat -c '%U %a' backup.db /var/lib/totpctl/totpctl.db"+
		account+"show alice | tail -1")
	for _, want := range []string{"multi-user.target.wants/totpctl.service\ntotpctl 600\n", "\nroot 600\ntotpctl 600\nalice    expired"} {
		if !strings.Contains(got, want) {
			t.Errorf("it prints\n%s\nwant in it\n%s", got, want)
		}
	}
}

func TestTheManualUpgradesTheService(t *testing.T) {
	got := asRoot(t, cmdtest.Recipe(t, "running.md", "service")+
		"runuser -u totpctl -- env -C /var/lib/totpctl totpctl account add alice >/dev/null\n"+
		"install \"$TOTPCTL\" totpctl; mv /usr/local/bin/totpctl /usr/local/bin/old; ln -s old /usr/local/bin/totpctl\n"+
		cmdtest.Recipe(t, "install.md", "upgrade")+
		"stat -c '%F %a' before-upgrade.db /usr/local/bin/totpctl\n")
	if want := "\nfaults: 0, warnings: 0\nregular file 600\nregular file 755\n"; !strings.HasSuffix(got, want) {
		t.Errorf("it prints\n%s\nwant at its end\n%s", got, want)
	}
}
