//go:build ignore

// (The line above tells the go command to leave this file to the C compiler.)
//
// pam_totpctl is a module for PAM that asks for a one-time code, or a recovery code, and
// lets `totpctl check` ask the server whether it is good. Only exit 0 of check is success.
// The manual's page "pam" (cmd/manual/pam.md) tells how to build, install and remove it.
//
// PAM runs modules within programs such as sudo, whose caller chooses the environment, the
// limits, the open descriptors and the signals. check inherits none of the first, the third
// and the last; limits that are too low end it, which refuses the code.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

enum {
	MAX_CODE = 256,    // bytes of what is typed for a code; check takes no longer line
	MAX_NAME = 512,    // bytes of an account's name: 128 characters, and a NUL at most
	MAX_ANSWER = 4096, // bytes of check's answer that are looked at
	GRACE = 2,         // seconds that check may last beyond its own --timeout
};

// The exit codes of check that are no failure of the check itself.
enum { VALID = 0, NOT_VALID = 1, NO_ACCOUNT = 3, PENDING = 6, NO_EXIT = -1 };

// A recovery code that no account has, but for a chance of 2^-120. It asks whether there is
// an account, because a wrong recovery code starts no wait.
static const char nobodys_code[] = "AAAAAAAAAAAAAAAAAAAAAAAA";

// What the line in the PAM file says, and whom it is about.
struct question {
	const char *template, *env, *path, *prompt;
	bool nullok, forward_pass, verbose;
	int digits, timeout;
	bool known; // to the system's list of users
	char account[MAX_NAME];
};

static const char *value(const char *argument, const char *name)
{
	size_t n = strlen(name);
	return strncmp(argument, name, n) == 0 && argument[n] == '=' ? argument + n + 1 : NULL;
}

static bool number(const char *text, int min, int max, int *to)
{
	char *end;
	long n = strtol(text, &end, 10);
	*to = (int)n;
	return *text >= '0' && *text <= '9' && *end == '\0' && n >= min && n <= max;
}

static bool parse_argument(struct question *q, const char *argument)
{
	const char *v;
	if (strcmp(argument, "nullok") == 0)
		return q->nullok = true;
	if (strcmp(argument, "forward_pass") == 0)
		return q->forward_pass = true;
	if (strcmp(argument, "verbose") == 0)
		return q->verbose = true;
	if ((v = value(argument, "account")))
		return *(q->template = v) != '\0';
	if ((v = value(argument, "prompt")))
		return *(q->prompt = v) != '\0';
	if ((v = value(argument, "env")))
		return *(q->env = v) == '/' && strlen(v) < PATH_MAX;
	if ((v = value(argument, "path")))
		return *(q->path = v) == '/' && strlen(v) < PATH_MAX;
	if ((v = value(argument, "digits")))
		return number(v, 6, 8, &q->digits);
	if ((v = value(argument, "timeout")))
		return number(v, 1, 60, &q->timeout);
	return false;
}

static int parse_arguments(pam_handle_t *pamh, struct question *q, int argc, const char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!parse_argument(q, argv[i])) {
			pam_syslog(pamh, LOG_ERR, "unknown or malformed argument, so nobody gets in: %s", argv[i]);
			return PAM_SERVICE_ERR;
		}
	}
	if (q->prompt == NULL)
		q->prompt = q->forward_pass ? "Password and one-time code: " : "One-time code: ";
	return PAM_SUCCESS;
}

static bool has_control_characters(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

// expand writes the account's name: the template, with user for %u and % for %%.
static bool expand(struct question *q, const char *user)
{
	size_t n = 0;
	for (const char *t = q->template; *t != '\0'; t++) {
		const char *part = t;
		size_t length = 1;
		if (*t == '%' && *++t == 'u') {
			part = user;
			length = strlen(user);
		} else if (t != part && *t != '%') {
			return false;
		}
		if (length >= MAX_NAME - n)
			return false;
		memcpy(q->account + n, part, length);
		n += length;
	}
	q->account[n] = '\0';
	return true;
}

// name_account finds the account's name. The name of the user is the system's spelling: a
// directory may know ALICE as alice, and nullok must not take ALICE for somebody else.
static int name_account(pam_handle_t *pamh, struct question *q)
{
	const char *user = NULL;
	int result = pam_get_user(pamh, &user, NULL);
	if (result != PAM_SUCCESS || user == NULL)
		return result == PAM_SUCCESS ? PAM_USER_UNKNOWN : result;
	if (*user == '\0' || strlen(user) >= MAX_NAME || has_control_characters(user)) {
		pam_syslog(pamh, LOG_NOTICE, "refused a user name that no account can have");
		return PAM_USER_UNKNOWN;
	}
	struct passwd *entry = pam_modutil_getpwnam(pamh, user);
	q->known = entry != NULL;
	if (!expand(q, q->known ? entry->pw_name : user)) {
		pam_syslog(pamh, LOG_ERR, "account=%s makes no name for %s: use %%u for the user and %%%% for %%", q->template, user);
		return PAM_SERVICE_ERR;
	}
	return PAM_SUCCESS;
}

static bool is_recovery_code(const char *text)
{
	size_t letters = 0;
	for (; *text != '\0'; text++) {
		bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '2' && *text <= '7');
		if (!letter && *text != '-')
			return false;
		letters += letter;
	}
	return letters >= 20;
}

// split returns where the code begins in a line that holds password and code, and how many
// bytes the password before it has. The code is the last digits, or the last word if that is
// a recovery code. Without a code, the whole line is the password.
static char *split(char *line, size_t digits, size_t *password)
{
	size_t n = strlen(line);
	char *space = strrchr(line, ' ');
	if (space != NULL && is_recovery_code(space + 1)) {
		*password = (size_t)(space - line);
		return space + 1;
	}
	bool ends = n >= digits && strspn(line + n - digits, "0123456789") == digits;
	*password = ends ? n - digits : n;
	return line + *password;
}

// forward leaves the first n bytes of the line to the next module as the password.
static int forward(pam_handle_t *pamh, char *line, size_t n)
{
	char end = line[n];
	line[n] = '\0';
	int result = pam_set_item(pamh, PAM_AUTHTOK, line);
	line[n] = end;
	return result;
}

// above returns the descriptor, or a copy of it, that is none of the standard ones: the
// program may have closed those.
static int above(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return copy;
}

static bool open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return ends[0] = ends[1] = -1, false;
	ends[0] = above(ends[0]);
	ends[1] = above(ends[1]);
	return ends[0] >= 0 && ends[1] >= 0;
}

// become runs check. In sudo the effective user is root, who may read the env file, but the
// real one is the caller. A session of its own keeps the keys of a terminal away.
static void become(const char *path, char **argv, int in, int out)
{
	static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LC_ALL=C", NULL};
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;
	for (int s = 1; s < NSIG; s++)
		sigaction(s, &usual, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_WRONLY);
	bool ready = null >= 0 && dup2(null, STDERR_FILENO) >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0;
	uid_t user = geteuid();
	gid_t group = getegid();
	ready = ready && setsid() >= 0 && chdir("/") == 0 && setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0;
	if (ready && close_range(STDERR_FILENO + 1, UINT_MAX, 0) == 0)
		execve(path, argv, environment);
	_exit(127);
}

static long long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// drain reads what the pipe holds, keeps what fits, and returns false at its end. It returns
// now and then, because a writer that is faster must not keep await from its deadline.
static bool drain(int fd, char *answer, size_t *n)
{
	char rest[512];
	for (int i = 0; i < 16; i++) {
		size_t room = MAX_ANSWER - 1 - *n;
		ssize_t got = read(fd, room > 0 ? answer + *n : rest, room > 0 ? room : sizeof rest);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 && errno == EAGAIN;
		if (room > 0)
			*n += (size_t)got;
		answer[*n] = '\0';
	}
	return true;
}

// await returns the exit code of check, or NO_EXIT. At the deadline it kills check and its
// process group.
static int await(pid_t pid, int out, int seconds, char *answer)
{
	long long deadline = milliseconds() + 1000LL * seconds;
	struct pollfd from = {.fd = out, .events = POLLIN};
	size_t n = 0;
	int status = 0, options = WNOHANG;
	for (;;) {
		pid_t ended = waitpid(pid, &status, options);
		bool lost = ended < 0 && errno != EINTR;
		if (from.fd >= 0 && !drain(out, answer, &n))
			from.fd = -1; // poll then only waits
		if (ended == pid)
			return options == WNOHANG && WIFEXITED(status) ? WEXITSTATUS(status) : NO_EXIT;
		if (lost)
			return NO_EXIT;
		if (milliseconds() >= deadline) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL); // which may not have become a group yet
			options = 0;
		} else {
			poll(&from, 1, 5);
		}
	}
}

// run starts check and returns its exit code, or NO_EXIT. The program's handler of SIGCHLD
// would reap check; ignoring SIGCHLD would lose its exit code.
static int run(const char *path, char **argv, int in, int out[2], int seconds, char *answer)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, was;
	sigset_t all, mask;
	sigfillset(&all);
	if (sigaction(SIGCHLD, &usual, &was) < 0)
		return NO_EXIT;
	pthread_sigmask(SIG_SETMASK, &all, &mask); // no handler of the program runs in the child
	pid_t pid = fork();
	if (pid == 0)
		become(path, argv, in, out[1]);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	close(out[1]);
	out[1] = -1;
	int code = pid < 0 ? NO_EXIT : await(pid, out[0], seconds, answer);
	sigaction(SIGCHLD, &was, NULL);
	return code;
}

static void close_pipe(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

// trusted reports whether nobody but root, or the user that the module runs as, may write to
// a file. Whoever writes to the env file names the server that finds codes valid.
static bool trusted(pam_handle_t *pamh, const char *file)
{
	struct stat s;
	if (stat(file, &s) == 0 && S_ISREG(s.st_mode) && (s.st_uid == 0 || s.st_uid == geteuid()) && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	pam_syslog(pamh, LOG_ERR, "%s is no file that root alone may write to", file);
	return false;
}

// check asks the server about a code and returns an exit code of check, or NO_EXIT. The code
// is written before check starts, because a pipe that is read by nobody would send SIGPIPE.
static int check(pam_handle_t *pamh, const struct question *q, const char *code, char answer[MAX_ANSWER])
{
	if (!trusted(pamh, q->path) || !trusted(pamh, q->env))
		return NO_EXIT;
	char env[PATH_MAX + 8], account[MAX_NAME + 16], timeout[32];
	snprintf(env, sizeof env, "--env=%s", q->env);
	snprintf(account, sizeof account, "--account=%s", q->account);
	snprintf(timeout, sizeof timeout, "--timeout=%ds", q->timeout);
	char *argv[] = {"totpctl", "check", "--json", env, account, timeout, "-", NULL};
	int in[2] = {-1, -1}, out[2] = {-1, -1}, exit_code = NO_EXIT;
	size_t n = strlen(code);
	if (open_pipe(in) && open_pipe(out) && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 && write(in[1], code, n) == (ssize_t)n) {
		close(in[1]);
		in[1] = -1;
		exit_code = run(q->path, argv, in[0], out, q->timeout + GRACE, answer);
	}
	close_pipe(in);
	close_pipe(out);
	return exit_code;
}

// tell shows a text to the user, unless the program wants silence. sudo always does, so that
// only verbose shows its users why they are refused.
static void tell(pam_handle_t *pamh, int flags, const struct question *q, const char *text)
{
	if (q->verbose || (flags & (int)PAM_SILENT) == 0)
		pam_error(pamh, "%s", text);
}

// tell_refusal shows why a code is not valid, from the verdict that check has printed.
static int tell_refusal(pam_handle_t *pamh, int flags, const struct question *q, const char *verdict)
{
	static const char *const texts[][2] = {
		{"replayed", "This code has been used already: wait for the next one."},
		{"malformed", "That is not a code."},
		{"stopped", "Codes are stopped after too many wrong ones: use a recovery code, or ask an administrator."},
		{"disabled", "Codes are disabled: ask an administrator."},
	};
	char text[160] = "Wrong code.", reason[32] = "invalid";
	const char *at = strstr(verdict, "\"reason\":\""), *seconds = strstr(verdict, "\"retry_after\":");
	if (at != NULL)
		sscanf(at, "\"reason\":\"%31[a-z_]", reason);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(reason, texts[i][0]) == 0)
			snprintf(text, sizeof text, "%s", texts[i][1]);
	if (seconds != NULL)
		snprintf(text, sizeof text, "%s: wait %ld s.", strcmp(reason, "throttled") == 0 ? "Too many wrong codes" : "Wrong code", strtol(seconds + strlen("\"retry_after\":"), NULL, 10));
	pam_syslog(pamh, LOG_NOTICE, "code refused for account %s: %s", q->account, reason);
	tell(pamh, flags, q, text);
	return PAM_AUTH_ERR;
}

// judge returns what PAM is told about the exit code of check.
static int judge(pam_handle_t *pamh, int flags, const struct question *q, int exit_code, const char *answer)
{
	switch (exit_code) {
	case VALID:
		pam_syslog(pamh, LOG_INFO, "code accepted for account %s", q->account);
		return PAM_SUCCESS;
	case NOT_VALID:
		return tell_refusal(pamh, flags, q, answer);
	case NO_ACCOUNT:
	case PENDING:
		pam_syslog(pamh, LOG_NOTICE, "account %s is not enrolled", q->account);
		if (q->nullok && q->known)
			return PAM_IGNORE;
		tell(pamh, flags, q, "No one-time codes are set up for you: ask an administrator.");
		return PAM_USER_UNKNOWN;
	}
	pam_syslog(pamh, LOG_ERR, "no verdict on account %s from %s: exit code %d (%d is none, 127 not started) %.300s", q->account, q->path, exit_code, NO_EXIT, answer);
	tell(pamh, flags, q, "The code could not be checked: ask an administrator.");
	return PAM_AUTHINFO_UNAVAIL;
}

// ask asks about what was typed, and leaves the password in it to the next module.
static int ask(pam_handle_t *pamh, int flags, const struct question *q, char *typed)
{
	size_t password = 0;
	char *code = q->forward_pass ? split(typed, (size_t)q->digits, &password) : typed;
	if (q->forward_pass && forward(pamh, typed, password) != PAM_SUCCESS)
		return PAM_BUF_ERR;
	char answer[MAX_ANSWER] = "";
	bool empty = code[strspn(code, " ")] == '\0';
	if ((empty && !q->nullok) || strlen(code) > MAX_CODE || has_control_characters(code))
		return tell_refusal(pamh, flags, q, "{\"status\":false,\"reason\":\"malformed\"}");
	int result = judge(pamh, flags, q, check(pamh, q, empty ? nobodys_code : code, answer), answer);
	if (result == PAM_IGNORE && q->forward_pass && forward(pamh, typed, strlen(typed)) != PAM_SUCCESS)
		return PAM_BUF_ERR;
	return result == PAM_SUCCESS && empty ? PAM_AUTH_ERR : result;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct question q = {.template = "%u", .env = "/etc/totpctl/check.env", .path = "/usr/local/bin/totpctl", .digits = 6, .timeout = 10};
	int result = parse_arguments(pamh, &q, argc, argv);
	if (result == PAM_SUCCESS)
		result = name_account(pamh, &q);
	if (result != PAM_SUCCESS)
		return result;
	char *typed = NULL;
	result = pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &typed, "%s", q.prompt);
	if (typed == NULL)
		return result == PAM_SUCCESS ? PAM_CONV_ERR : result;
	if (result == PAM_SUCCESS)
		result = ask(pamh, flags, &q, typed);
	explicit_bzero(typed, strlen(typed));
	free(typed);
	return result;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}
