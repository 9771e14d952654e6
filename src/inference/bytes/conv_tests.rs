use super::Kernel;
use super::conv::{Convolution, ConvolutionSpec};

/// Numbers that repeat late.
fn numbers(count: usize, seed: u32) -> impl Iterator<Item = u32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    })
}

struct Case {
    depthwise: bool,
    channels: [usize; 2],
    window: usize,
    stride: usize,
    pads: [usize; 4],
    size: [usize; 2],
    tables: usize,
}

/// By the definition: pads are zero points, the sum in 64 bits.
fn wanted(case: &Case, spec: &ConvolutionSpec<'_>, picture: &[u8], [down, across]: [usize; 2]) -> Vec<u8> {
    let [inputs, outputs] = case.channels;
    let of_one = if case.depthwise { 1 } else { inputs };
    let mut result = Vec::new();
    for (y, x, output) in
        (0..down * across * outputs).map(|i| (i / outputs / across, i / outputs % across, i % outputs))
    {
        let mut sum = i64::from(spec.bias[output]);
        for (row, column, input) in (0..case.window * case.window * of_one)
            .map(|i| (i / of_one / case.window, i / of_one % case.window, i % of_one))
        {
            let [y, x] = [
                (y * case.stride + row) as i64 - case.pads[0] as i64,
                (x * case.stride + column) as i64 - case.pads[1] as i64,
            ];
            let inside = (0..case.size[0] as i64).contains(&y) && (0..case.size[1] as i64).contains(&x);
            let channel = if case.depthwise { output } else { input };
            let level = match inside {
                true => picture[(y as usize * case.size[1] + x as usize) * inputs + channel],
                false => spec.zeros[0],
            };
            let weight = spec.weights[((output * of_one + input) * case.window + row) * case.window + column];
            sum += (i64::from(level) - i64::from(spec.zeros[0])) * i64::from(weight);
        }
        let scaled = (i32::try_from(sum).unwrap() as f32 * spec.scales[output]).round_ties_even();
        let code = (f64::from(scaled) + f64::from(spec.zeros[1])).clamp(0.0, 255.0) as usize;
        let table = if spec.tables.len() == 1 { 0 } else { output };
        result.push(spec.tables[table][code]);
    }
    result
}

fn check(case: &Case) {
    let [inputs, outputs] = case.channels;
    let of_one = if case.depthwise { 1 } else { inputs };
    let count = outputs * of_one * case.window * case.window;
    let weights: Vec<i8> = numbers(count, 1).map(|number| number as u8 as i8).collect();
    let bias: Vec<i32> = numbers(outputs, 2).map(|number| number as i32 * 3 - 90_000).collect();
    let reach = (of_one * case.window * case.window) as f32;
    let scales: Vec<f32> =
        numbers(outputs, 3).map(|number| (number % 97 + 3) as f32 / 9_000.0 / reach.sqrt()).collect();
    let tables = (0..case.tables).map(|k| std::array::from_fn(|byte| (byte * (2 * k + 1) + k) as u8)).collect();
    let spec = ConvolutionSpec {
        channels: case.channels,
        depthwise: case.depthwise,
        window: [case.window; 2],
        strides: [case.stride; 2],
        pads: case.pads,
        weights: &weights,
        bias: &bias,
        scales: &scales,
        zeros: [131, 77],
        tables,
    };
    let convolution = Convolution::new(&spec).unwrap();
    let picture: Vec<u8> = numbers(case.size[0] * case.size[1] * inputs, 4).map(|number| number as u8).collect();
    let of_result = convolution.size_of_result(case.size).unwrap();
    let wanted = wanted(case, &spec, &picture, of_result);
    for kernel in Kernel::all() {
        let mut result = vec![0; wanted.len()];
        let part = convolution.part(case.size);
        for (index, part) in result.chunks_mut(part).enumerate() {
            convolution.run(kernel, &picture, case.size, index, part);
        }
        let differing = result.iter().zip(&wanted).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{} {:?} {} {}", kernel.name(), case.channels, case.window, case.stride);
    }
}

#[test]
fn all_channels_with_all_give_what_the_definition_says() {
    let of = |channels, window, stride, pads, size| Case {
        depthwise: false,
        channels,
        window,
        stride,
        pads,
        size,
        tables: 1,
    };
    let pixels: &[usize] = if cfg!(miri) { &[10] } else { &[1, 2, 5, 6, 7, 11, 12, 13, 14, 27, 95, 96, 97, 200] };
    for &width in pixels {
        let all = [[4, 16], [4, 65], [8, 7], [16, 32], [8, 48], [12, 64], [32, 80], [20, 7], [64, 129]];
        for &channels in if cfg!(miri) { &[[4, 17], [20, 7]] } else { &all[..] } {
            check(&of(channels, 1, 1, [0; 4], [1, width]));
        }
    }
    if cfg!(miri) {
        check(&of([3, 5], 3, 2, [0, 0, 1, 1], [5, 4]));
        check(&of([5, 2], 3, 1, [1; 4], [4, 3]));
    } else {
        for channels in [[12, 16], [3, 24], [5, 33], [1, 1]] {
            check(&of(channels, 3, 1, [1; 4], [9, 13]));
            check(&of(channels, 3, 2, [0, 0, 1, 1], [18, 14]));
            check(&of(channels, 6, 2, [2; 4], [17, 16]));
            check(&of(channels, 1, 2, [0; 4], [9, 12]));
        }
    }
}

#[test]
fn each_channel_by_itself_gives_what_the_definition_says() {
    let of = |channels, window, stride, pads, size, tables| Case {
        depthwise: true,
        channels: [channels; 2],
        window,
        stride,
        pads,
        size,
        tables,
    };
    for &channels in if cfg!(miri) { &[19][..] } else { &[1, 5, 8, 16, 24, 32, 96, 116] } {
        for &size in if cfg!(miri) { &[[3, 4]][..] } else { &[[3, 3], [8, 17], [13, 40]] } {
            check(&of(channels, 3, 1, [1; 4], size, 1));
            check(&of(channels, 3, 2, [1; 4], size, channels));
            check(&of(channels, 3, 2, [0, 0, 1, 1], size, 1));
            check(&of(channels, 3, 1, [0; 4], size, channels));
            check(&of(channels, 5, 1, [2; 4], size, channels));
            check(&of(channels, 5, 2, [1, 1, 2, 2], size, 1));
        }
    }
    if !cfg!(miri) {
        check(&of(24, 5, 1, [0; 4], [7, 19], 1));
    }
}

#[test]
fn what_does_not_fit_is_no_convolution() {
    let (weights, bias, scales) = ([1_i8; 144], [0; 16], [1.0; 16]);
    let spec = ConvolutionSpec {
        channels: [16, 16],
        depthwise: true,
        window: [3, 3],
        strides: [1, 1],
        pads: [1; 4],
        weights: &weights,
        bias: &bias,
        scales: &scales,
        zeros: [0, 0],
        tables: vec![[0; 256]],
    };
    assert!(Convolution::new(&spec).is_some());
    let refused = |change: fn(&mut ConvolutionSpec<'_>)| {
        let mut spec = spec.clone();
        change(&mut spec);
        Convolution::new(&spec).is_none()
    };
    assert!(refused(|spec| spec.channels = [8, 16]));
    assert!(refused(|spec| spec.window = [5, 3]));
    assert!(refused(|spec| spec.strides = [1, 3]));
    assert!(refused(|spec| spec.strides = [0, 1]));
    assert!(refused(|spec| spec.pads = [3, 1, 1, 1]));
    assert!(refused(|spec| spec.weights = &spec.weights[1..]));
    assert!(refused(|spec| spec.tables.clear()));
    assert!(refused(|spec| spec.depthwise = false));
    assert!(refused(|spec| spec.bias = &[i32::MAX; 16]));
    assert!(refused(|spec| spec.scales = &[1e9; 16]));
    assert!(refused(|spec| spec.scales = &[f32::NAN; 16]));
}
