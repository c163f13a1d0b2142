/* libtrapgate: an interpreting i386 machine whose way into a handler and back can be watched.
 *
 * Link with -ltrapgate (pkg-config trapgate, or CMake's find_package(Trapgate) and trapgate::trapgate).
 * docs/library.md is the manual; examples/ has whole programs. */
#ifndef TRAPGATE_TRAPGATE_H
#define TRAPGATE_TRAPGATE_H

#include "base.h"
#include "machine.h"
#include "memory.h"
#include "state.h"
#include "record.h"
#include "hook.h"
#include "text.h"

#endif
