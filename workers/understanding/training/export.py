"""The trained network as a model folder: ONNX in int8, tokenizer, labels, checksums."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

from workers.understanding.ngrams import MAX_NGRAMS
from workers.understanding.text import MAX_TOKENS
from workers.understanding.training.folders import write_json
from workers.understanding.training.network import Exported, Understander
from workers.understanding.training.vocabulary import Reader


def write_folder(
    folder: Path,
    *,
    network: Understander,
    reader: Reader,
    labels: dict[str, list[Any]],
    name: str,
    version: str,
    made_with: Mapping[str, Any],
) -> None:
    """Write all but calibration and card; `folders.seal` closes the folder when those are there.

    The layout is Hugging Face's: AutoConfig and AutoTokenizer read it, ONNX holds the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(network, folder / "model.onnx")
    reader.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(folder / "labels.json", labels)
    config = network.encoder.config.to_diff_dict()
    ours = {
        "model_type": "bert",
        "name": name,
        "version": version,
        "made_with": dict(made_with),
        "bos_token_id": reader.start,
        "eos_token_id": reader.end,
        "pad_token_id": reader.pad,
        "quantisation": "int8, dynamic",
    }
    write_json(folder / "config.json", {**config, **ours})
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "bos_token": reader.tokenizer.id_to_token(reader.start),
            "eos_token": reader.tokenizer.id_to_token(reader.end),
            "pad_token": reader.tokenizer.id_to_token(reader.pad),
        },
    )


def write_onnx(network: Understander, path: Path) -> None:
    exported = Exported(network).eval()
    sample = (torch.randint(5, 50, (1, 12)), torch.randint(0, 50, (1, 30)))
    with tempfile.TemporaryDirectory() as scratch:
        plain, ready = Path(scratch) / "plain.onnx", Path(scratch) / "ready.onnx"
        torch.onnx.export(
            exported,
            sample,
            str(plain),
            input_names=["tokens", "ngrams"],
            output_names=list(network.heads),
            dynamic_shapes=(
                {1: torch.export.Dim("length", min=2, max=MAX_TOKENS)},
                {1: torch.export.Dim("grams", min=1, max=MAX_NGRAMS)},
            ),
            dynamo=True,
            external_data=False,
        )
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        # One scale per output column: per-tensor scales cost a point or two on small networks.
        quantize_dynamic(str(ready), str(path), weight_type=QuantType.QInt8, per_channel=True)
