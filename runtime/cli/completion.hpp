#pragma once

#include <CLI/CLI.hpp>
#include <string>

/// Completion scripts for shells, made from the tree of commands: what `--help` shows is what they offer.
namespace overwatch::cli {

std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

} // namespace overwatch::cli
