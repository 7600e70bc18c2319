"""The trained network as a model folder: ONNX in int8, tokenizer, labels, checksums."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from tokenizers import Tokenizer

from workers.understanding.folder import CHECKSUMS, SUMMED, our_labels, sum_of
from workers.understanding.training.network import HEADS, Exported, Shape, Understander
from workers.understanding.training.vocabulary import END, START, id_of


def write_folder(
    folder: Path,
    *,
    network: Understander,
    shape: Shape,
    tokenizer: Tokenizer,
    name: str,
    version: str,
) -> None:
    """Write all but calibration and card; `seal` closes the folder when those are there."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_onnx(network, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "labels.json", our_labels())
    write_json(
        folder / "config.json",
        {
            "name": name,
            "version": version,
            "architecture": "BERT encoder and hashed n-grams, one linear head per question",
            "vocabulary": shape.vocabulary,
            "layers": shape.layers,
            "width": shape.width,
            "ngram_width": shape.ngram_width,
            "start_token": id_of(tokenizer, START),
            "end_token": id_of(tokenizer, END),
            "quantisation": "int8, dynamic",
        },
    )


def seal(folder: Path) -> None:
    """Write the checksums. Nothing in the folder may change afterwards but the card."""
    lines = [f"{sum_of(folder / name)}  {name}\n" for name in SUMMED]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _write_onnx(network: Understander, path: Path) -> None:
    network.eval()
    exported = Exported(network).eval()
    sample = (torch.randint(5, 50, (1, 12)), torch.randint(0, 50, (1, 30)))
    with tempfile.TemporaryDirectory() as scratch:
        plain, ready = Path(scratch) / "plain.onnx", Path(scratch) / "ready.onnx"
        torch.onnx.export(
            exported,
            sample,
            str(plain),
            input_names=["tokens", "ngrams"],
            output_names=list(HEADS),
            dynamic_shapes=(
                {1: torch.export.Dim("length", min=2, max=128)},
                {1: torch.export.Dim("grams", min=1, max=768)},
            ),
            dynamo=True,
            external_data=False,
        )
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        # One scale per output column: per-tensor scales cost a point or two on small networks.
        quantize_dynamic(str(ready), str(path), weight_type=QuantType.QInt8, per_channel=True)
