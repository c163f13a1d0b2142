/* The program, as a function. */
#ifndef TRAPGATE_CLI_CLI_H
#define TRAPGATE_CLI_CLI_H

/* Returns the exit status. */
int cli_main(int argc, char **argv);

#endif
