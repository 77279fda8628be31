#!/usr/bin/env bash
# Installs the servers and SDKs written by others that the tests of this module
# run against: pinned, below .tools/ at the top of the tree, and only what changed
# since the last time. Runtimes come from the system; as root on Debian they are
# installed from its packages, elsewhere their absence is reported.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly ferrokinesis=0.7.0 dynoxide=3.2.0 rust=1.88
tools="$(cd .. && pwd)/.tools"
readonly tools
mkdir -p "$tools/log"

missing=()

# at_least VERSION WANTED: says whether VERSION is WANTED or newer.
at_least() { [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

# debian PACKAGE...: installs packages where that is possible.
debian() {
  [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null || return 1
  echo "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  {
    [[ -n "${updated:-}" ]] || apt-get update -q
    updated=1
    without_services apt-get install -q -y --no-install-recommends "$@"
  } >>"$tools/log/apt.log" 2>&1
}

# without_services COMMAND...: runs a command that installs packages whose services must not start: tests
# start the servers that they need, as processes of their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [[ -e "$policy" ]]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

have_node() { command -v npm >/dev/null && at_least "$(node --version 2>/dev/null | tr -d v)" 18; }
have_python() { python3 -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }
have_java() { command -v mvn >/dev/null && at_least "$(javac -version 2>&1 | sed 's/javac //')" 17; }
have_linker() { command -v cc >/dev/null; }
have_rust() {
  # A cargo of rustup looks below HOME for its toolchains; it may belong to another one.
  local home
  home="$(dirname "$(dirname "$(dirname "$(command -v cargo 2>/dev/null || echo /x/x/x)")")")"
  if [[ -z "${RUSTUP_HOME:-}" && ! -d "${HOME:-}/.rustup" && -d "$home/.rustup" ]]; then
    export RUSTUP_HOME="$home/.rustup"
  fi
  at_least "$(rustc --version 2>/dev/null | cut -d ' ' -f 2)" "$rust"
}

have_postgres() {
  local bin
  bin="$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1)"
  [[ -n "$bin" ]] && at_least "$("$bin" --version | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1)" 13
}
have_mariadb() {
  local bin
  bin="$(command -v mariadbd || ls /usr/sbin/mariadbd 2>/dev/null)"
  [[ -n "$bin" ]] && at_least "$("$bin" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" 10.5
}

# runtime NAME CHECK PACKAGE...: makes sure of a runtime or notes that it is missing.
runtime() {
  local name="$1" check="$2"
  shift 2
  "$check" || { debian "$@" && hash -r && "$check"; } || missing+=("$name (Debian: $*)")
}

# install NAME INPUT... -- COMMAND...: runs the command unless it succeeded before with the same inputs.
install() {
  local name="$1" inputs=() sum
  shift
  while [[ "$1" != -- ]]; do
    inputs+=("$1")
    shift
  done
  shift
  sum="$(cat "${inputs[@]}" | cksum)"
  [[ -f "$tools/$name.sum" && "$(cat "$tools/$name.sum")" == "$sum" ]] && return 0
  echo "installing $name"
  local began=$SECONDS
  if ! "$@" >"$tools/log/$name.log" 2>&1; then
    echo "installing $name did not work:" >&2
    tail -n 30 "$tools/log/$name.log" >&2
    return 1
  fi
  echo "$sum" >"$tools/$name.sum"
  echo "installed $name in $((SECONDS - began)) s"
}

npm_packages() {
  mkdir -p "$tools/npm"
  cp npm/package.json npm/package-lock.json npm/.npmrc "$tools/npm/"
  (cd "$tools/npm" && npm ci --cache "$tools/npm-cache")
  rm -rf "$tools/npm-cache"
}

python_packages() {
  rm -rf "$tools/python"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --no-cache-dir --no-compile --no-deps -r sdk/python/requirements.txt
}

java_packages() {
  mvn -B -q -f sdk/java/pom.xml -Dmaven.repo.local="$tools/maven" -DbuildDirectory="$tools/java" package
}

# rust_package NAME@VERSION OPTION...: builds a program with cargo, without optimisation and debug
# information: it builds in half the time and is not measured.
rust_package() {
  CARGO_HOME="$tools/cargo-home" CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug --force \
    --root "$tools/cargo" --target-dir "$tools/cargo-target" "$@"
  rm -rf "$tools/cargo-target" "$tools/cargo-home"
}

# rust_packages: one after the other, since cargo uses all cores by itself.
rust_packages() {
  install ferrokinesis <(echo "$ferrokinesis") -- rust_package "ferrokinesis@$ferrokinesis" &&
    install dynoxide <(echo "$dynoxide") -- rust_package "dynoxide-rs@$dynoxide" \
      --no-default-features --features native-sqlite,http-server,cli
}

runtime "Node.js 18 or later with npm" have_node nodejs npm
runtime "Python 3.10 or later with venv" have_python python3 python3-venv
runtime "JDK 17 or later with Maven" have_java default-jdk-headless maven
runtime "PostgreSQL 13 or later" have_postgres postgresql
runtime "MariaDB 10.5 or later" have_mariadb mariadb-server
runtime "a C compiler for the linker of Rust" have_linker gcc libc6-dev
runtime "Rust $rust or later" have_rust rustc-web cargo-web

if ((${#missing[@]})); then
  echo "The tests against servers and SDKs written by others need, and this machine does not have:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  echo "Install them and run this again; make test-go runs all tests that need nothing but Go." >&2
  exit 1
fi

# The Rust builds take minutes, mostly one core; the others wait for the network.
rust_packages &
rust_build=$!
install npm npm/package.json npm/package-lock.json -- npm_packages
install python sdk/python/requirements.txt -- python_packages
install java sdk/java/pom.xml sdk/java/src/main/java/kin/*.java -- java_packages
wait "$rust_build"
