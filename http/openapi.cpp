#include "http/service.hpp"

/// The description of this API.
namespace overwatch::http {

namespace {

// The build makes this literal of openapi.json.
constexpr std::string_view document =
#include "http/openapi_text.inc"
  ;

response openapi(service&, const request&) { return json_response(std::string{document}); }

} // namespace

std::string_view openapi_document() { return document; }

std::vector<route> openapi_routes() { return {{"GET", "/api/overwatch/openapi.json", "", openapi}}; }

} // namespace overwatch::http
