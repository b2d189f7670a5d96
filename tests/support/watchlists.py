"""The watchlist files of a bundle, changed for a test and put back."""

import json

from .bundle import Bundle


class Lists:
    """The files in the watchlist bucket."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.bucket = bundle.outputs["WatchlistBucket"]
        self.manifest_key = bundle.outputs["WatchlistManifestKey"]
        self.s3 = bundle.client("s3")
        sources = json.loads(self.read("sources.json"))
        [pep] = [source for source in sources if source["topic"] == "pep"]
        self.pep_id = pep["id"]
        self.pep_key = pep["files"][0]["location"].removeprefix("bucket:")

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    @property
    def manifest(self) -> dict:
        return json.loads(self.read(self.manifest_key))

    def refresh(self) -> dict:
        return self.bundle.invoke("watchlist-refresh", {})

    def with_entry(self, first: str, last: str) -> bytes:
        """The list with one more person, in its own columns."""
        lines = self.read(self.pep_key).decode().rstrip("\n").split("\n")
        header = [column.strip('"') for column in lines[0].split(",")]
        row = {"id": f"test-{first.lower()}", "schema": "Person", "name": f"{first} {last}", "countries": "zz", "dataset": "Test", "datasets": "Test"}
        return "\n".join([*lines, ",".join(f'"{row.get(column, "")}"' for column in header), ""]).encode()
