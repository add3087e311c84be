#!/bin/bash
# Brings Kafka's jars from Maven Central into .services/kafka, once.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=.services/kafka
done=$folder/complete-4.1.0
if [[ -e $done ]]; then
    echo "services: Kafka is there"
    exit 0
fi
command -v mvn >/dev/null || {
    echo "services: Kafka needs Maven and Java: apt-get install maven default-jre-headless" >&2
    exit 1
}
echo "services: bringing Kafka (43 MB)"
mkdir -p "$folder"
mvn --quiet --batch-mode --file tests/services/kafka-pom.xml dependency:copy-dependencies \
    -DoutputDirectory="$PWD/$folder/libs"
touch "$done"
