/* A machine made out of command-line words: what a run, and each subcommand that
 * looks into a guest, begins with. */
#ifndef TRAPGATE_CLI_SESSION_H
#define TRAPGATE_CLI_SESSION_H

#include "cli/options.h"
#include "debug/view.h"

struct session {
	struct options options;
	struct machine *machine; /* the session's; NULL: none is open */
	struct view view;
};

/* Makes the machine and loads its guest.  It stands before machine_start(), so that traces may be attached
 * first.  options must ask for ERRAND_RUN; its strings stay the caller's.  False: *why, and nothing is open. */
bool session_open(struct session *session, const struct options *options, struct diagnostic *why) MUST_CHECK;
void session_close(struct session *session);

#endif
