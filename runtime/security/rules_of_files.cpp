#include "runtime/security/rules.hpp"

#include <algorithm>

namespace overwatch::security {

std::vector<rule> rules_of_files() {
  return {
    {"world-writable-file", severity::medium, "Everybody may change this file",
     "any account, also one that a network service was broken into, can replace what others read or run",
     "chmod o-w FILE; if several accounts must write it, give it a group of theirs"},
    {"world-writable-directory", severity::medium, "Everybody may add, replace and remove files in this directory",
     "without the sticky bit any account can swap another's files for its own",
     "chmod o-w DIRECTORY, or chmod +t DIRECTORY when everybody must be able to create files there"},
    {"unowned-file", severity::low, "The owner or group of this file does not exist",
     "the next account that gets this number owns the file", "chown it to an account that exists, or remove it"},
    {"set-uid-unpackaged", severity::medium, "A set-uid program that no package owns",
     "it runs with its owner's rights for everybody and gets no security updates from Debian",
     "remove it, or chmod u-s FILE; when it is needed, keep it up to date and suppress this finding"},
    {"set-gid-unpackaged", severity::low, "A set-gid program that no package owns",
     "it runs with its group's rights for everybody and gets no security updates from Debian",
     "remove it, or chmod g-s FILE; when it is needed, suppress this finding"},
    {"set-uid-tool", severity::high, "A shell, interpreter or file tool is set-uid",
     "everybody can do with it whatever its owner may: it is a common back door",
     "chmod u-s FILE, and find out who set it"},
    {"private-key-readable", severity::high, "Everybody can read a private key",
     "who has the key can be taken for its owner, or read what was encrypted for him",
     "chmod 600 FILE, then replace the key: it may have been read"},
    {"secret-readable", severity::medium, "Everybody can read a file with passwords or tokens",
     "any account can use what they open", "chmod 600 FILE, then change the passwords and tokens in it"},
    {"password-hashes-readable", severity::high, "Everybody can read the hashes of passwords",
     "weak passwords can be found from their hashes, on another machine and without a trace",
     "chown root:shadow FILE; chmod 640 FILE; then change the passwords"},
    {"account-without-password", severity::high, "An account has no password", "who knows its name is in",
     "passwd NAME, or passwd --lock NAME"},
    {"second-root", severity::high, "An account other than root has uid 0",
     "it may do everything, and is easily overlooked", "remove it with userdel, or give it a uid of its own"},
    {"password-in-passwd", severity::medium, "The hash of a password is in /etc/passwd",
     "everybody can read that file, and try passwords against it", "pwconv, then change the password"},
    {"weak-password-hash", severity::medium, "A password is kept with an outdated hash (DES or MD5)",
     "such hashes are tried by the billions a second", "passwd NAME: the new hash is of today's kind"},
    {"stale-account", severity::low, "Nobody has used this account for a long time",
     "nobody would notice if somebody else did", "usermod --expiredate 1 NAME, or userdel NAME"},
    {"account-file-writable", severity::high, "Others than root can change a file that says who may log in",
     "they can make themselves root", "chown root FILE; chmod go-w FILE"},
    {"authorized-keys-writable", severity::high, "Others can change who may log in to an account with a key",
     "they can add a key of their own", "chown to the account and chmod go-w the file, ~/.ssh and the home directory"},
    {"cron-file-writable", severity::high, "Others can change what cron starts",
     "what they write there runs with the rights of the crontab's owner, often root",
     "chown root FILE; chmod go-w FILE and its directories"},
    {"cron-program-writable", severity::high, "Others can change a program that cron starts",
     "what they put there runs with the rights of the crontab's owner, often root",
     "chown root the program; chmod go-w it and its directories"},
    {"unit-file-writable", severity::high, "Others can change a unit of systemd", "what they write there runs as root",
     "chown root FILE; chmod go-w FILE and its directories"},
    {"unit-program-writable", severity::high, "Others can change a program that systemd starts",
     "what they put there runs with the rights of the unit, often root",
     "chown root the program; chmod go-w it and its directories"},
    {"vulnerable-package", severity::medium, "An installed package has known weaknesses that an update mends",
     "how to use them is public", "apt-get update && apt-get install --only-upgrade PACKAGE"},
    {"vulnerabilities-without-fix", severity::info, "Known weaknesses of installed packages that no update mends yet",
     "most are minor; those that matter to you may need another remedy",
     "debsecan --format detail, and remove packages that are not needed"},
    {"baseline-changed", severity::medium, "A file is not as it was when the baseline was taken",
     "nobody may have wanted that", "find out who changed it; when it is right: overwatch security baseline update"},
    {"baseline-added", severity::low, "A file has appeared since the baseline was taken", "nobody may have wanted it",
     "find out who made it; when it is right: overwatch security baseline update"},
    {"baseline-removed", severity::low, "A file has gone since the baseline was taken", "somebody may miss it",
     "find out who removed it; when it is right: overwatch security baseline update"},
    {"baseline-changed-by-package", severity::info,
     "An update of a package changed this file since the baseline was taken", "its content is what the package says",
     "overwatch security baseline update"},
    {"baseline-damaged", severity::medium, "The baseline of a tree is damaged or was changed",
     "changes of the tree cannot be found", "look at the tree, then: overwatch security baseline update"},
  };
}

const std::vector<rule>& rules() {
  static const auto all = [] {
    auto result = rules_of_files();
    auto more = rules_of_services();
    result.insert(result.end(), more.begin(), more.end());
    std::sort(result.begin(), result.end(), [](const rule& x, const rule& y) { return x.name < y.name; });
    return result;
  }();
  return all;
}

} // namespace overwatch::security
