#!/usr/bin/env bash
# Writes anew what derives from the configuration's model: the schemas in docs/schema and the tables of docs/configuration.md.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet run --project eng/ConfigDocs -c Release -v q -- docs
