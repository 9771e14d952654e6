//! Geometry of the scene: own sine (the platform's differs between machines), vectors, plane homographies.

use std::f64::consts::PI;

/// Sine of an angle in radians, within 1e-7, the same bits on every machine.
pub(super) fn sin(x: f64) -> f32 {
    let turns = x / (2.0 * PI);
    let mut x = (turns - (turns + 0.5).floor()) * 2.0 * PI;
    if x > PI / 2.0 {
        x = PI - x;
    } else if x < -PI / 2.0 {
        x = -PI - x;
    }
    let s = x * x;
    let series = 1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0 * (1.0 - s / 110.0))));
    (x * series) as f32
}

/// Cosine of an angle in radians.
pub(super) fn cos(x: f64) -> f32 {
    sin(x + PI / 2.0)
}

/// The largest whole number that is not above `x`, for `x` that an `i32` can hold. The compiler makes a few
/// instructions of it, where the library's is a call on processors without SSE4.1.
#[inline]
pub(super) fn floor(x: f32) -> f32 {
    let whole = x as i32 as f32;
    if whole > x { whole - 1.0 } else { whole }
}

/// `a + (b - a) * t`.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// [`mix`] for each channel.
pub(super) fn mix3(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

/// Rises smoothly from 0 at `low` to 1 at `high`.
pub(super) fn smooth_step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A point or direction in camera space: x right, y down, z ahead, in metres.
pub(super) type Vec3 = [f32; 3];

/// A pinhole camera: `picture = focal * (x, y) / z + centre`, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    /// Focal length in pixels.
    pub focal: f32,
    /// Column of the optical axis.
    pub center_x: f32,
    /// Row of the optical axis, which is the horizon when the camera looks level.
    pub center_y: f32,
}

impl Camera {
    /// The homography from a flat face to the picture. The face's `(0, 0)` lies at `corner`, its `u` axis spans
    /// `across` and its `v` axis spans `down`.
    pub fn plane(&self, corner: Vec3, across: Vec3, down: Vec3) -> Homography {
        let column =
            |p: Vec3| [self.focal * p[0] + self.center_x * p[2], self.focal * p[1] + self.center_y * p[2], p[2]];
        let (a, b, c) = (column(across), column(down), column(corner));
        Homography([a[0], b[0], c[0], a[1], b[1], c[1], a[2], b[2], c[2]])
    }
}

/// Turns a square face of side 1 about its centre: `roll` in its plane, then `pitch`, then `yaw` (radians).
/// Returns the directions of its `u` and `v` axes in camera space.
pub(super) fn turned_axes(yaw: f32, pitch: f32, roll: f32) -> (Vec3, Vec3) {
    let (sy, cy) = (sin(f64::from(yaw)), cos(f64::from(yaw)));
    let (sp, cp) = (sin(f64::from(pitch)), cos(f64::from(pitch)));
    let (sr, cr) = (sin(f64::from(roll)), cos(f64::from(roll)));
    let turn = |x: f32, y: f32| {
        let (y, z) = (y * cp, y * sp);
        [x * cy + z * sy, y, -x * sy + z * cy]
    };
    (turn(cr, sr), turn(-sr, cr))
}

/// A projective map of the plane, row by row; `w` is positive in front of the camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Homography(pub [f32; 9]);

impl Homography {
    /// Where a point goes, or None when it is not in front of the camera.
    pub fn apply(&self, x: f32, y: f32) -> Option<[f32; 2]> {
        let m = &self.0;
        let w = m[6] * x + m[7] * y + m[8];
        (w > 1e-3).then(|| [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w])
    }

    /// The inverse map, or None when the plane is seen edge-on.
    pub fn inverse(&self) -> Option<Self> {
        let m = self.0.map(f64::from);
        let cofactors = [
            m[4] * m[8] - m[5] * m[7],
            m[2] * m[7] - m[1] * m[8],
            m[1] * m[5] - m[2] * m[4],
            m[5] * m[6] - m[3] * m[8],
            m[0] * m[8] - m[2] * m[6],
            m[2] * m[3] - m[0] * m[5],
            m[3] * m[7] - m[4] * m[6],
            m[1] * m[6] - m[0] * m[7],
            m[0] * m[4] - m[1] * m[3],
        ];
        let determinant = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6];
        (determinant.abs() > 1e-9).then(|| Self(cofactors.map(|c| (c / determinant) as f32)))
    }
}

/// Area of a polygon, in square pixels.
pub(super) fn polygon_area(points: &[[f32; 2]]) -> f32 {
    let mut doubled = 0.0;
    let mut previous = points.last().copied().unwrap_or_default();
    for &point in points {
        doubled += previous[0] * point[1] - point[0] * previous[1];
        previous = point;
    }
    doubled.abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_sine_agrees_with_the_platform() {
        for step in -1000..1000 {
            let x = f64::from(step) * 0.037;
            assert!((f64::from(sin(x)) - x.sin()).abs() < 3e-7, "{x}");
            assert!((f64::from(cos(x)) - x.cos()).abs() < 3e-7, "{x}");
        }
    }

    #[test]
    fn own_floor_is_the_platforms() {
        for step in -4000..4000 {
            let x = step as f32 * 0.25;
            assert_eq!(floor(x), x.floor(), "{x}");
        }
    }

    #[test]
    fn a_homography_and_its_inverse_cancel() {
        let (u, v) = turned_axes(0.6, -0.2, 0.1);
        let camera = Camera { focal: 400.0, center_x: 160.0, center_y: 120.0 };
        let map = camera.plane([-0.5, -0.4, 5.0], u, v);
        let back = map.inverse().expect("not edge-on");
        for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.3, 0.9)] {
            let p = map.apply(x, y).expect("in front");
            let w = back.0[6] * p[0] + back.0[7] * p[1] + back.0[8];
            let q = [
                (back.0[0] * p[0] + back.0[1] * p[1] + back.0[2]) / w,
                (back.0[3] * p[0] + back.0[4] * p[1] + back.0[5]) / w,
            ];
            assert!((q[0] - x).abs() < 1e-3 && (q[1] - y).abs() < 1e-3, "{q:?}");
        }
    }
}
