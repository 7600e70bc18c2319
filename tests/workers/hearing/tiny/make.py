"""Write a SenseVoice model that hears one sentence, whatever is said (needs the package onnx).

    python tests/workers/hearing/tiny/make.py

Inputs, outputs, metadata and tokens are those of the real one, so everything around the network is
proven by it: features, stacking of frames, decoding, tokens. What it hears is not.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
PREFIX = ("<|zh|>", "<|NEUTRAL|>", "<|Speech|>", "<|withitn|>")
SAID = ("胸", "口", "剧", "痛", "。")
TOKENS = ("<blk>", "<s>", "</s>", *PREFIX, *SAID)
FEATURES = 560  # 80 mel bands, 7 frames stacked


def network() -> onnx.GraphProto:
    """logits[0, t] = table[min(t, last)], for the four frames of the prefix and each of x."""
    frames = [TOKENS.index(each) for each in (*PREFIX, *SAID)] + [0]
    table = np.full((len(frames), len(TOKENS)), -10, np.float32)
    table[range(len(frames)), frames] = 10
    constants = {
        "table": table,
        "zero": np.int64(0),
        "one": np.int64(1),
        "prefix": np.int64(len(PREFIX)),
        "last": np.int64(len(frames) - 1),
        "first_axis": np.array([0], np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["length"]),
        helper.make_node("Add", ["length", "prefix"], ["end"]),
        helper.make_node("Range", ["zero", "end", "one"], ["times"]),
        helper.make_node("Min", ["times", "last"], ["rows"]),
        helper.make_node("Gather", ["table", "rows"], ["chosen"], axis=0),
        helper.make_node("Unsqueeze", ["chosen", "first_axis"], ["logits"]),
    ]
    named = helper.make_tensor_value_info
    inputs = [named("x", TensorProto.FLOAT, ["N", "T", FEATURES])]
    inputs += [named(each, TensorProto.INT32, ["N"]) for each in ("x_length", "language")]
    inputs += [named("text_norm", TensorProto.INT32, ["N"])]
    outputs = [named("logits", TensorProto.FLOAT, ["N", "L", len(TOKENS)])]
    held = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    return helper.make_graph(nodes, "tiny", inputs, outputs, held)


def metadata() -> dict[str, str | int]:
    return {
        "model_type": "sense_voice_ctc",
        "vocab_size": len(TOKENS),
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "normalize_samples": 0,
        "with_itn": 14,
        "without_itn": 15,
        "lang_auto": 0,
        "lang_zh": 3,
        "lang_en": 4,
        "lang_yue": 7,
        "lang_ja": 11,
        "lang_ko": 12,
        "neg_mean": ",".join(["0"] * FEATURES),
        "inv_stddev": ",".join(["1"] * FEATURES),
    }


def main() -> None:
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(network(), opset_imports=[opset], ir_version=8)
    for key, value in metadata().items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, FOLDER / "model.onnx")
    tokens = "".join(f"{token} {number}\n" for number, token in enumerate(TOKENS))
    (FOLDER / "tokens.txt").write_text(tokens, encoding="utf-8")


if __name__ == "__main__":
    main()
