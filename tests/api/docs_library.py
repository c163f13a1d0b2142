"""Compiles and runs every snippet of docs/library.md: docs_library.py MD CC INCLUDE BUILD SANITIZED

A C block with main() is a program.  Other C blocks are statements, each run on a fresh machine (machine, cpu, stop and value
are there), and "c functions" blocks what they call.  A text block is what the block before it prints."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HARNESS = """#include <stdio.h>
#include <trapgate/trapgate.h>
%(functions)s
%(snippets)s
int main(void)
{
%(calls)s
	return 0;
}
"""
SNIPPET = """static void snippet%(n)d(void)
{
	struct tg_config bare = {.size = sizeof(bare), .board = TG_BOARD_BARE, .ram = 0x10000};
	struct tg_stop stop = {.size = sizeof(stop)};
	struct tg_machine *machine;
	struct tg_cpu *cpu;
	uint64_t value = 0;

	if (tg_machine_new(&bare, &machine, NULL, 0) != TG_OK)
		return;
	cpu = tg_machine_cpu(machine, 0);
	tg_start(machine, TG_MODE_REAL, 0x7c00);
	{
%(code)s	}
	(void)cpu, (void)stop, (void)value;
	tg_machine_free(machine);
}
"""
CALL = '	printf("==%(n)d\\n");\n	snippet%(n)d();\n'


def build_and_run(cc, include, build, source, work):
    (Path(work) / "snippet.c").write_text(source)
    subprocess.run([cc, "-std=c17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", f"-I{include}", "snippet.c",
                    f"-L{build}/lib", "-ltrapgate", f"-Wl,-rpath,{build}/lib", "-o", "snippet"], cwd=work, check=True)
    return subprocess.run(["./snippet"], cwd=work, check=True, capture_output=True, text=True).stdout


def main(document, cc, include, build, sanitized):
    if sanitized == "ON":
        print("docs_library: skipped: programs without sanitizers cannot link this build's library")
        return 77
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```$", Path(document).read_text(), re.M | re.S)
    wanted, got, functions, snippets, python = {}, {}, [], [], []
    last = None
    failed = False
    with tempfile.TemporaryDirectory() as work:
        for n, (kind, code) in enumerate(blocks):
            if kind == "text":
                wanted[last] = code
            elif kind == "c functions":
                functions.append(code)
            elif kind == "c" and "int main(" in code:
                got[last := n] = build_and_run(cc, include, build, code, work)
            elif kind == "c":
                snippets.append((last := n, code))
            elif kind == "python":
                python.append((last := n, code))
            else:
                sys.exit(f"docs_library: block {n}: {kind!r} is no kind that is tested")
        source = HARNESS % {
            "functions": "\n".join(functions),
            "snippets": "\n".join(SNIPPET % {"n": n, "code": code} for n, code in snippets),
            "calls": "".join(CALL % {"n": n} for n, _ in snippets),
        }
        parts = re.split(r"^==(\d+)\n", build_and_run(cc, include, build, source, work), flags=re.M)
        got.update((int(n), out) for n, out in zip(parts[1::2], parts[2::2]))
        # Python blocks go on from one another.
        program = "".join(f"print('=={n}')\n{code}" for n, code in python)
        out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        parts = re.split(r"^==(\d+)\n", out, flags=re.M)
        got.update((int(n), out) for n, out in zip(parts[1::2], parts[2::2]))
    if len(got) < 9 or len(wanted) < 9:
        sys.exit(f"docs_library: only {len(got)} snippets and {len(wanted)} outputs were found")
    for n, text in wanted.items():
        if got[n] != text:
            print(f"docs_library: {document}: block {n} prints\n{got[n]}and not\n{text}")
            failed = True
    print(f"docs_library: {len(got)} snippets")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    sys.exit(main(*sys.argv[1:]))
