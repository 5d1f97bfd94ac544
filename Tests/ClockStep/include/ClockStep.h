// Nothing to call: the library is loaded before a program and answers for the C library's clocks.
#ifndef CLOCK_STEP_H
#define CLOCK_STEP_H
#endif
