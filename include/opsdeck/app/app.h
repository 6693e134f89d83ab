/* The program behind main(): argv to exit status. */
#ifndef OPSDECK_APP_APP_H
#define OPSDECK_APP_APP_H

int app_main(int argc, char **argv);

#endif
