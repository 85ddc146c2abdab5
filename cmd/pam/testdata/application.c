// application is a program that uses PAM, as sudo and sshd are:
//
//	application [OPTION…] CONFDIR SERVICE USER [ANSWER…]
//
// It authenticates USER, gives the answers to the prompts one by one, and writes what it is
// shown, what is logged and what the results are. The options make it an odd one:
//
//	-n TIMES   authenticate so often in one transaction
//	-silent    set PAM_SILENT
//	-refuse    give no answer: the conversation fails
//	-null      give NULL for an answer, and say that all is well
//	-reap      handle SIGCHLD by waiting for every child
//	-ignore    ignore SIGCHLD and SIGTERM
//	-block     block all signals
//	-storm     get SIGALRM every millisecond, with a handler that interrupts system calls
//	-close     have no standard streams
//	-leak      have descriptors that an exec keeps
//	-directory find users in either case, as a directory of users may
//	-other     run as root with the real user 65534, as sudo's modules do
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *out;
static char **answers;
static bool refuse, null_answer, directory;

// libpam calls these instead of libc's.
void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);

static void log_line(int priority, const char *format, va_list arguments)
{
	fprintf(out, "log %d: ", priority & 7);
	vfprintf(out, format, arguments);
	fprintf(out, "\n");
}

void syslog(int priority, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	log_line(priority, format, arguments);
	va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)flag;
	va_list arguments;
	va_start(arguments, format);
	log_line(priority, format, arguments);
	va_end(arguments);
}

// The module calls this instead of libc's.
void explicit_bzero(void *from, size_t n)
{
	for (volatile char *at = from; at < (char *)from + n; at++)
		*at = 0;
	fprintf(out, "wiped: %zu bytes\n", n);
}

// libpam calls this instead of libc's.
int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t n, struct passwd **found)
{
	int (*next)(const char *, struct passwd *, char *, size_t, struct passwd **);
	*(void **)&next = dlsym(RTLD_NEXT, "getpwnam_r");
	char lower[600] = "";
	for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof lower; i++)
		lower[i] = (char)(directory ? tolower((unsigned char)name[i]) : name[i]);
	return next(lower, entry, buffer, n, found);
}

// An answer "@SIZE" stands for so many digits.
static char *answer(void)
{
	if (*answers == NULL)
		return strdup("");
	const char *text = *answers++;
	if (*text != '@')
		return strdup(text);
	size_t n = strtoul(text + 1, NULL, 10);
	char *digits = malloc(n + 1);
	memset(digits, '1', n);
	digits[n] = '\0';
	return digits;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	(void)data;
	struct pam_response *all = calloc((size_t)n, sizeof *all);
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;
		const char *kinds[] = {"?", "hidden prompt", "prompt", "error", "info"};
		fprintf(out, "%s: %s\n", kinds[style], messages[i]->msg);
		bool asks = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
		if (asks && refuse) {
			free(all);
			return PAM_CONV_ERR;
		}
		all[i].resp = asks && !null_answer ? answer() : NULL;
	}
	*responses = all;
	return PAM_SUCCESS;
}

static void reap(int s)
{
	(void)s;
	int saved = errno;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = saved;
}

static void nothing(int s)
{
	(void)s;
}

static void storm(void)
{
	struct sigaction handler = {.sa_handler = nothing};
	struct itimerval often = {{0, 1000}, {0, 1000}};
	sigaction(SIGALRM, &handler, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv)
{
	int times = 1, flags = 0, fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	struct sigaction child = {.sa_handler = SIG_DFL};
	sigset_t mask;
	sigemptyset(&mask);
	out = fdopen(fd, "w");
	setvbuf(out, NULL, _IOLBF, 0);
	for (argv++, argc--; argc > 0 && **argv == '-'; argv++, argc--) {
		const char *option = *argv + 1;
		if (strcmp(option, "n") == 0)
			times = atoi(*++argv), argc--;
		else if (strcmp(option, "silent") == 0)
			flags |= PAM_SILENT;
		else if (strcmp(option, "refuse") == 0)
			refuse = true;
		else if (strcmp(option, "null") == 0)
			null_answer = true;
		else if (strcmp(option, "reap") == 0)
			child.sa_handler = reap;
		else if (strcmp(option, "ignore") == 0)
			child.sa_handler = SIG_IGN, signal(SIGTERM, SIG_IGN);
		else if (strcmp(option, "block") == 0)
			sigfillset(&mask);
		else if (strcmp(option, "storm") == 0)
			storm();
		else if (strcmp(option, "close") == 0)
			close(0), close(1), close(2);
		else if (strcmp(option, "leak") == 0)
			dup2(open("/dev/zero", O_RDONLY), 77);
		else if (strcmp(option, "directory") == 0)
			directory = true;
		else if (strcmp(option, "other") == 0 && setresuid(65534, 0, 0) != 0)
			return 2;
	}
	if (argc < 3)
		return 2;
	answers = argv + 3;
	sigaction(SIGCHLD, &child, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigprocmask(SIG_SETMASK, NULL, &mask); // without what cannot be blocked

	struct pam_conv conversation = {converse, NULL};
	pam_handle_t *pamh = NULL;
	int result = pam_start_confdir(argv[1], argv[2], &conversation, argv[0], &pamh);
	for (int i = 0; result == PAM_SUCCESS && i < times; i++) {
		result = pam_authenticate(pamh, flags);
		fprintf(out, "authenticate: %s\n", pam_strerror(pamh, result));
	}
	if (result == PAM_SUCCESS)
		fprintf(out, "setcred: %s\n", pam_strerror(pamh, result = pam_setcred(pamh, PAM_ESTABLISH_CRED)));
	pam_end(pamh, result);

	struct sigaction after;
	sigset_t blocked;
	sigaction(SIGCHLD, NULL, &after);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	bool same = after.sa_handler == child.sa_handler && memcmp(&blocked, &mask, 8) == 0;
	fprintf(out, "signals: %s\n", same ? "as they were" : "changed");
	errno = 0;
	fprintf(out, "children: %s\n", waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? "none" : "left");
	return result == PAM_SUCCESS ? 0 : 1;
}
