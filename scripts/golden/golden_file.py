"""How the golden files are written: float64 tensors, and one JSON string beside them."""

import json

import numpy as np
from safetensors.numpy import save_file


def save(path, tensors, description):
    """Writes `tensors` (name → array) to the safetensors file `path`.

    `description` becomes a JSON string under the single metadata key "golden": a safetensors file
    keeps its metadata in no particular order, so several keys would give other bytes each time.
    JSON writes a float with the digits that read back as the same float.
    """
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(tensors, path, metadata={"golden": json.dumps(description, sort_keys=True)})
    path.chmod(0o644)
    print(f"{path}: {len(tensors)} tensors")
