#pragma once

#include <string>

namespace overwatch::security {

/// A self-signed certificate in PEM form that ends so many days from now; negative: it has ended.
std::string certificate_pem(const std::string& name, int days);

} // namespace overwatch::security
