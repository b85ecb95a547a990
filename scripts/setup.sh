# Sourced by the other scripts. Creates the virtual environments of this checkout once and reuses them.
# Needs only Python >= 3.11. Uses uv if it is installed, because it is faster.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer with venv is required (Debian: apt install python3-venv). To choose one: PYTHON=... $0" >&2
  return 1
}

# ensure_venv DIR ARGUMENTS...: create a virtual environment and run pip install with the arguments in it.
# Reinstalls only if the arguments, the Python or pyproject.toml have changed.
ensure_venv() {
  local dir=$1 python stamp
  shift
  python=$(find_python)
  stamp=$("$python" -c 'import hashlib, sys
print(hashlib.sha256(repr((sys.version, sys.argv[1:], open("pyproject.toml").read())).encode()).hexdigest())' "$@")
  if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  echo "Setting up $dir (once) ..." >&2
  rm -rf "$dir"
  if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python "$python" "$dir" &&
      uv pip install --quiet --python "$dir/bin/python" "$@"
  else
    # --group needs pip 25.1
    "$python" -m venv "$dir" &&
      "$dir/bin/python" -m pip install --quiet --disable-pip-version-check 'pip>=25.1' &&
      "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  fi &&
    echo "$stamp" > "$dir/.stamp"
}

ensure_project() {
  ensure_venv .venv --editable '.[cli,demo,docs,testing]' --group test --group check
}

# Arguments for pytest that leave out most cases of parametrized tests, the slowest tests, and those of what does not
# depend on versions: mutated tokens, policies of random apps, templates, runs of pytest, and what reads and writes documents.
left_out=(
  --cases=3
  --ignore=tests/attacks/test_mutations.py --ignore=tests/deploy/definition/test_templates.py
  --ignore=tests/deploy/test_templates.py --ignore=tests/deploy/authorizer/test_policies.py
  --ignore=tests/testing/authz_report --ignore=tests/deploy/drift --ignore=tests/cli/test_drift.py
  --ignore=tests/matrix/test_page.py --ignore=tests/test_access_page.py --ignore=tests/cli/test_revisions.py
)
