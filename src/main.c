/* opsdeck: argv in, exit status out. Everything else is in its room. */
#include "opsdeck/app/app.h"

int main(int argc, char **argv)
{
    return app_main(argc, argv);
}
