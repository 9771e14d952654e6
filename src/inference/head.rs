//! The encodings of boxes and scores that are known, by name.

use serde::{Deserialize, Serialize};

/// Declares the heads once: variant, name in cards and reports, and what it is.
macro_rules! heads {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// How a model's outputs encode boxes and scores. [`super::heads`] has a file for each family of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Head {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Head {
            /// Every head that is known.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name used in cards and reports, such as `yolox`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

heads! {
    /// YOLOX `[1, N, 5+C]`, offsets and logarithmic sizes a grid cell, scores after the sigmoid.
    Yolox = "yolox",
    /// YOLOX exported with decoding inside: the same shape, boxes already in pixels.
    YoloxDecoded = "yolox_decoded",
    /// YOLOv3, v4, v5, v7 `[1, N, 5+C]`: centre, size in pixels, objectness, class scores.
    YoloV5 = "yolov5",
    /// The same with boxes in 0…1 of the input, as TensorFlow's exports.
    YoloV5Unit = "yolov5_unit",
    /// Raw feature maps with anchors, one output a stride, by YOLOv5's formula and with its anchors.
    YoloV5Grids = "yolov5_grids",
    /// The same with YOLOv7's anchors.
    YoloV7Grids = "yolov7_grids",
    /// Raw feature maps by YOLOv3's formula and with its anchors.
    YoloV3Grids = "yolov3_grids",
    /// The same with YOLOv4's anchors, centres reaching a little beyond their cells.
    YoloV4Grids = "yolov4_grids",
    /// YOLOv2: one raw feature map with anchors and a softmax over the classes.
    YoloV2 = "yolov2",
    /// YOLOv6 `[1, N, 5+C]`: as [`Head::YoloV5`] without anchors, objectness always 1.
    YoloV6 = "yolov6",
    /// Ultralytics YOLOv8 and its kin `[1, 4+C, N]`: centre, width and height in pixels, then class scores.
    YoloV8 = "yolov8",
    /// The same transposed, `[1, N, 4+C]`.
    YoloV8Transposed = "yolov8_transposed",
    /// [`Head::YoloV8`] with boxes in 0…1 of the input, as TensorFlow's exports.
    YoloV8Unit = "yolov8_unit",
    /// The same transposed, `[1, N, 4+C]`, as Ultralytics' RT-DETR.
    YoloV8TransposedUnit = "yolov8_transposed_unit",
    /// YOLOv10 and YOLO26 `[1, K, 6]`: left, top, right, bottom in pixels, score, class.
    YoloV10 = "yolov10",
    /// End-to-end exports `[K, 7]`: picture, left, top, right, bottom in pixels, class, score.
    YoloEnd2End = "yolo_end2end",
    /// TensorRT's EfficientNMS: number, boxes in pixels, scores, classes.
    EfficientNms = "efficient_nms",
    /// YOLOv3 of the ONNX model zoo: boxes, scores, and the indices that its NMS chose.
    YoloV3Zoo = "yolov3_zoo",
    /// Two outputs: boxes `[1, N, 4]` as left, top, right, bottom in pixels, and scores `[1, N, C]`.
    BoxesScores = "boxes_scores",
    /// The same with box edges as fractions 0…1 of the input.
    BoxesScoresUnit = "boxes_scores_unit",
    /// FastestDet: one map `[1, 5+C, H, W]`, one box a cell.
    FastestDet = "fastestdet",
    /// Yolo-FastestV2: boxes, objectness and classes of two maps with anchors.
    YoloFastestV2 = "yolo_fastestv2",
    /// PaddleDetection with its NMS inside: rows `[M, 6]` of class, score, box, and their number.
    PaddleNms = "paddle_nms",
    /// PP-YOLOE without NMS: boxes `[1, N, 4]` in pixels and scores `[1, C, N]`.
    PpYoloe = "ppyoloe",
    /// PicoDet without post-processing: scores and distributions of distances a stride.
    PicoDet = "picodet",
    /// NanoDet: scores and distributions of distances a stride.
    NanoDet = "nanodet",
    /// NanoDet-Plus: the same in one output, cell centres at the corners of their cells.
    NanoDetPlus = "nanodet_plus",
    /// SSD of TensorFlow's detection API: boxes as top, left, bottom, right in 0…1, classes, scores, number.
    TfSsd = "tf_ssd",
    /// EfficientDet of google/automl `[1, K, 7]`: picture, top, left, bottom, right in pixels, score, class.
    EfficientDet = "efficientdet",
    /// Caffe's DetectionOutput `[1, 1, K, 7]`: picture, class, score, left, top, right, bottom in 0…1.
    DetectionOutput = "detection_output",
    /// torchvision: boxes `[K, 4]` in pixels, classes and scores `[K]`.
    Torchvision = "torchvision",
    /// The same with boxes in 0…1, as the SSD of the ONNX model zoo.
    TorchvisionUnit = "torchvision_unit",
    /// MMDetection deployed: `dets` `[1, K, 5]` with box in pixels and score, `labels` `[1, K]`.
    MmDet = "mmdet",
    /// DETR and its kin: logits `[1, Q, C]` for the sigmoid, boxes `[1, Q, 4]` as centre and size in 0…1.
    Detr = "detr",
    /// The first DETR: logits `[1, Q, C+1]` for a softmax whose last class is "no object".
    DetrSoftmax = "detr_softmax",
    /// RT-DETR, D-FINE, DEIM with post-processing: labels, boxes, scores.
    RtDetr = "rt_detr",
    /// CenterNet: heat map, size, offset.
    CenterNet = "centernet",
    /// CenterFace: heat map, logarithmic size, offset, landmarks.
    CenterFace = "centerface",
    /// UltraFace: scores `[1, N, 2]` of background and face, boxes in 0…1.
    UltraFace = "ultraface",
    /// RetinaFace: offsets to prior boxes, scores of background and face, landmarks.
    RetinaFace = "retinaface",
    /// YuNet: class, objectness, box and landmarks a stride.
    YuNet = "yunet",
    /// SCRFD: scores, distances to the edges and landmarks a stride.
    Scrfd = "scrfd",
    /// BlazeFace: offsets to anchors and logits.
    BlazeFace = "blazeface",
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_called_the_same_in_cards_and_reports() {
        for head in Head::ALL {
            assert_eq!(serde_json::to_value(head).unwrap(), head.name());
        }
    }
}
