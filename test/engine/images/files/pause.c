/* The process 1 of a pod, and of the host that an engine gets in the tests: it reaps what is orphaned, until SIGTERM. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) { (void)signal; _exit(0); }

static void reap(int signal) {
	(void)signal;
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
}

int main(void) {
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, 0);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = end}, 0);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = reap, .sa_flags = SA_NOCLDSTOP}, 0);
	for (;;)
		pause();
}
