/* What a managed program needs of libFuzzer in one shared library: LLVMFuzzerRunDriver comes from clang's libclang_rt.fuzzer_no_main,
 * linked whole; this adds the counters of edges that instrumented assemblies write. libFuzzer finds them by the section's name, takes
 * them for coverage, and clears them before each input. */
#include <stddef.h>

#define EDGES 65536 /* SharpFuzz draws its edges from that many */

__attribute__((section("__libfuzzer_extra_counters"), used)) static unsigned char edges[EDGES];

__attribute__((visibility("default"))) unsigned char *frp_fuzz_edges(size_t *count)
{
  *count = EDGES;
  return edges;
}
