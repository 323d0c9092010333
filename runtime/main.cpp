#include "runtime/main.hpp"

int main(int argc, char** argv) {
  return overwatch::run_main(argc, argv);
}
