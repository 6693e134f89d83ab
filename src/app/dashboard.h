/* The two ways to look at things as they happen. */
#ifndef OPSDECK_APP_DASHBOARD_H
#define OPSDECK_APP_DASHBOARD_H

struct app;

/* No full screen: one stamped line for each problem that comes, changes or goes. q ends it. */
int run_linear(struct app *a);

#endif
