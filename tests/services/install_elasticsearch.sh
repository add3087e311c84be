#!/bin/bash
# Brings Elasticsearch (the real server with few modules) from Maven Central, once, into
# .services/elasticsearch.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=8.19.8
folder=.services/elasticsearch
if [[ -e $folder/elasticsearch-$version/bin/elasticsearch ]]; then
    echo "services: Elasticsearch is there"
    exit 0
fi
command -v mvn >/dev/null || {
    echo "services: Elasticsearch needs Maven and Java: apt-get install maven default-jre-headless" >&2
    exit 1
}
echo "services: bringing Elasticsearch (98 MB)"
mkdir -p "$folder"
copy=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy
mvn --quiet --batch-mode "$copy" -DoutputDirectory="$PWD/$folder" \
    -Dartifact="org.elasticsearch.distribution.integ-test-zip:elasticsearch:$version:zip"
part=$folder/part
rm -rf "$part"
python3 -m zipfile -e "$folder/elasticsearch-$version.zip" "$part"
find "$part" -path '*/bin/*' -type f -exec chmod +x {} +
chmod -R a+rX "$folder"
mv "$part/elasticsearch-$version" "$folder/"
rm -rf "$part" "$folder/elasticsearch-$version.zip"
