#!/bin/sh
# Checks the JSDoc types of the lab's page with TypeScript, which is installed into the folder named by the
# first argument, in seconds. Where there is no npm, or nothing can be fetched, it says so and checks nothing:
# TypeScript is no part of what anybody needs to use or to build Pellucid.
set -eu
folder=$1/typescript
version=5.9.3
compiler=$folder/node_modules/typescript/bin/tsc

if ! command -v npm >/dev/null 2>&1; then
    echo "There is no npm here: the types of the page's modules are not checked."
    exit 0
fi
if [ "$(node "$compiler" --version 2>/dev/null)" != "Version $version" ]; then
    npm install --silent --no-audit --no-fund --prefix "$folder" "typescript@$version" || {
        echo "TypeScript $version cannot be installed: the types of the page's modules are not checked."
        exit 0
    }
fi
node "$compiler" --project tools/tsconfig.json
echo "TypeScript $version: no error in the page's modules"
