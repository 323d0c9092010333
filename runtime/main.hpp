#pragma once

#include "actors/handler.hpp"

namespace overwatch {

/// The whole program: the `overwatch` command line, whose node also serves the task types of `own`.
int run_main(int argc, char** argv, const handler_registry& own = {});

} // namespace overwatch
