/* A V4L2 webcam played inside one process: preloaded before all other libraries, it answers for /dev/video*.
 *
 * The scenario is the text in VCAM, statements divided by ';':
 *   cam=0,4                 numbers of the cameras that are plugged in (default 0)
 *   name=TEXT               what they are called
 *   fmt=YUYV:640x480@30,15  a format with its rates (N or N/D); several times for several; default YUYV:640x480@30
 *   rate=N                  frames a second that really come, whatever was agreed
 *   jpeg=FOLDER             the frames of MJPG: 0.jpg, 1.jpg, ...
 *   fail=STEP:ERRNO[:N[:F]] a step fails, the first N times only where N is given, from frame F on
 *   hang=STEP:MS            a step takes so long, once
 *   at=N:FAULT[:MS[:M]]     at frame N; every=N:FAULT and from=N:FAULT likewise. unplug comes back after MS as number M,
 *                           freeze lasts MS (for ever without), flag, empty, short, garbage, eio, spurious (EAGAIN)
 *   clock=none              frames carry no time
 *   ctl=ID:TYPE:MIN:MAX:STEP:DEFAULT:FLAGS:NAME   a control; TYPE and FLAGS as V4L2 numbers them. Unplugging sets all back.
 *                           Brightness is seen: it is the luma of a YUYV frame below its number
 *   item=ID:INDEX:NAME      an entry of a menu; of a menu of numbers the NAME is one
 *   auto=ID:VALUE:OTHER     control OTHER is inactive unless control ID has that value
 *   loop=ctl                the list of controls never ends
 *   speed=N                 from frame 5 on the clock of the process runs N times too fast
 * A frame shows its number (counted from the start of the process) as 16 squares, black or white, the highest bit first.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 8
#define RULES 32

struct format { __u32 fourcc, width, height; struct v4l2_fract interval[8]; int intervals; };
struct rule { char step[16]; int number, left; unsigned long from; };
struct control { __u32 id, type, flags, master; long long min, max, step, usual, value, free_at; char name[40]; };
struct item { __u32 id, index; char name[32]; };
struct fault { char kind[16]; unsigned long first, last, every; long ms; int number, done; };
struct open_file { int used, number, plugged; };

static struct format formats[RULES]; static int format_count;
static struct rule fails[RULES], hangs[RULES]; static int fail_count, hang_count;
static struct fault faults[RULES]; static int fault_count;
static char name[32] = "Played Webcam", jpegs[256]; static int numbers[512] = {0}, number_count = 1, stampless;
static double real_rate;
static struct control controls[RULES]; static struct item items[RULES]; static int control_count, item_count, controls_loop;
static long long speed = 1, speed_from, speed_later;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct open_file files[4096];
static int plugged = 1; static long long back_at; static int back_number = -1;
static struct format *current; static struct v4l2_fract interval = {1, 30};
static int owner = -1, streaming, count; static unsigned char *memory; static size_t slot;
static struct v4l2_buffer buffers[BUFFERS]; static int queue[BUFFERS], queued, filled[BUFFERS], full;
static long long next_due, frozen_until; static unsigned long frame_number; static unsigned sequence;

static long long real_ns(void) {
    static int (*real)(clockid_t, struct timespec *); if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    struct timespec t; real(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static long long now_ns(void) { return speed_from + (real_ns() - speed_from) * speed; }
static void nap_ms(long ms) { long long ns = ms * 1000000LL / speed; struct timespec t = {ns / 1000000000, ns % 1000000000}; nanosleep(&t, NULL); }
static int no(int error) { errno = error; return -1; }

static int errno_named(const char *text) {
    static const struct { const char *name; int number; } known[] = {
        {"EBUSY", EBUSY}, {"EACCES", EACCES}, {"EPERM", EPERM}, {"ENODEV", ENODEV}, {"ENOENT", ENOENT}, {"EIO", EIO},
        {"ENOSPC", ENOSPC}, {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM}, {"ENXIO", ENXIO}, {"EPROTO", EPROTO}, {"EINTR", EINTR},
        {"ETIMEDOUT", ETIMEDOUT}, {"ENOTTY", ENOTTY}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) if (!strncmp(text, known[i].name, strlen(known[i].name))) return known[i].number;
    return EINVAL;
}

static void read_format(char *text) {
    struct format *f = &formats[format_count++];
    char code[5] = {0}; int used = 0;
    if (sscanf(text, "%4c:%ux%u@%n", code, &f->width, &f->height, &used) < 3) abort();
    f->fourcc = v4l2_fourcc(code[0], code[1], code[2], code[3]);
    for (char *rate = strtok(text + used, ","); rate && f->intervals < 8; rate = strtok(NULL, ",")) {
        unsigned fps = 30, per = 1; sscanf(rate, "%u/%u", &fps, &per);
        f->interval[f->intervals++] = (struct v4l2_fract){per, fps};
    }
}

static void read_statement(char *text) {
    char *value = strchr(text, '='); if (!value) return;
    *value++ = 0;
    char word[16] = {0}, error[16] = {0}; int times = -1; unsigned long at = 0; long ms = 0; int number = -1;
    struct control *c = &controls[control_count]; struct item *m = &items[item_count]; long long free_at = 0;
    if (!strcmp(text, "name")) snprintf(name, sizeof name, "%s", value);
    else if (!strcmp(text, "jpeg")) snprintf(jpegs, sizeof jpegs, "%s", value);
    else if (!strcmp(text, "rate")) real_rate = atof(value);
    else if (!strcmp(text, "clock")) stampless = 1;
    else if (!strcmp(text, "fmt")) read_format(value);
    else if (!strcmp(text, "many")) { number_count = atoi(value); for (int i = 0; i < number_count; i++) numbers[i] = i; }
    else if (!strcmp(text, "cam")) { number_count = 0; for (char *n = strtok(value, ","); n; n = strtok(NULL, ",")) numbers[number_count++] = atoi(n); }
    else if (!strcmp(text, "speed")) speed_later = atoi(value);
    else if (!strcmp(text, "loop")) controls_loop = 1;
    else if (!strcmp(text, "ctl")) {
        if (sscanf(value, "%i:%u:%lld:%lld:%lld:%lld:%i:%39[^;]", (int *)&c->id, &c->type, &c->min, &c->max, &c->step, &c->usual, (int *)&c->flags, c->name) < 7) abort();
        c->value = c->usual; control_count++;
    } else if (!strcmp(text, "item")) { if (sscanf(value, "%i:%u:%31[^;]", (int *)&m->id, &m->index, m->name) == 3) item_count++; }
    else if (!strcmp(text, "auto")) {
        unsigned master, other; if (sscanf(value, "%i:%lld:%i", (int *)&master, &free_at, (int *)&other) < 3) abort();
        for (c = controls; c < controls + control_count; c++) if (c->id == other) { c->master = master; c->free_at = free_at; }
    } else if (!strcmp(text, "fail")) {
        sscanf(value, "%15[a-z]:%15[A-Z]:%d:%lu", word, error, &times, &at);
        struct rule *r = &fails[fail_count++]; snprintf(r->step, sizeof r->step, "%s", word); r->number = errno_named(error); r->left = times; r->from = at;
    } else if (!strcmp(text, "hang")) {
        sscanf(value, "%15[a-z]:%d", word, &times);
        struct rule *r = &hangs[hang_count++]; snprintf(r->step, sizeof r->step, "%s", word); r->number = times; r->left = 1;
    } else {
        sscanf(value, "%lu:%11[a-z]:%ld:%d", &at, word, &ms, &number);
        struct fault *f = &faults[fault_count++]; snprintf(f->kind, sizeof f->kind, "%s", word);
        f->first = at; f->last = strcmp(text, "at") ? ~0UL : at; f->every = strcmp(text, "every") ? 0 : at; f->ms = ms; f->number = number;
    }
}

static void read_scenario(void) {
    static int done; if (done) return; done = 1;
    char *text = getenv("VCAM"), *rest = NULL;
    text = strdup(text ? text : "");
    for (char *s = strtok_r(text, ";", &rest); s; s = strtok_r(NULL, ";", &rest)) read_statement(s);
    if (!format_count) { char usual[] = "YUYV:640x480@30"; read_format(usual); }
    current = &formats[0]; interval = current->interval[0];
}

static void step_hang(const char *step) {
    for (int i = 0; i < hang_count; i++) if (!strcmp(hangs[i].step, step) && hangs[i].left-- > 0) { pthread_mutex_unlock(&lock); nap_ms(hangs[i].number); pthread_mutex_lock(&lock); }
}
static int step_fails(const char *step) {
    step_hang(step);
    for (int i = 0; i < fail_count; i++) if (!strcmp(fails[i].step, step) && fails[i].left && frame_number >= fails[i].from) { if (fails[i].left > 0) fails[i].left--; return fails[i].number; }
    return 0;
}
static struct fault *fault_at(const char *kind, unsigned long number) {
    for (int i = 0; i < fault_count; i++) {
        struct fault *f = &faults[i];
        if (strcmp(f->kind, kind)) continue;
        if (f->every ? number && number % f->every == 0 : number >= f->first && number <= f->last) return f;
    }
    return NULL;
}

static int is_there(int number) {
    if (back_at && now_ns() >= back_at) { back_at = 0; plugged += plugged % 2 == 0; if (back_number >= 0) { numbers[0] = back_number; number_count = 1; } }
    if (plugged % 2 == 0) return 0;
    for (int i = 0; i < number_count; i++) if (numbers[i] == number) return 1;
    return 0;
}

static struct control *control_named(__u32 id) {
    for (int i = 0; i < control_count; i++) if (controls[i].id == id) return &controls[i];
    return NULL;
}

/* ---------- frames ---------- */
static size_t frame_bytes(const struct format *f) {
    size_t pixels = (size_t)f->width * f->height;
    switch (f->fourcc) {
    case V4L2_PIX_FMT_GREY: return pixels;
    case V4L2_PIX_FMT_NV12: return pixels * 3 / 2;
    case V4L2_PIX_FMT_RGB24: case V4L2_PIX_FMT_BGR24: return pixels * 3;
    default: return pixels * 2;
    }
}
static unsigned stride(const struct format *f) {
    switch (f->fourcc) {
    case V4L2_PIX_FMT_MJPEG: return 0;
    case V4L2_PIX_FMT_GREY: case V4L2_PIX_FMT_NV12: return f->width;
    case V4L2_PIX_FMT_RGB24: case V4L2_PIX_FMT_BGR24: return f->width * 3;
    default: return f->width * 2;
    }
}
static size_t draw(unsigned char *to) {
    if (current->fourcc == V4L2_PIX_FMT_MJPEG) {
        char path[300]; snprintf(path, sizeof path, "%s/%lu.jpg", jpegs, frame_number % 3);
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY); if (fd < 0) return 0;
        ssize_t got = syscall(SYS_read, fd, to, slot); syscall(SYS_close, fd);
        return got > 0 ? (size_t)got : 0;
    }
    size_t bytes = frame_bytes(current); unsigned line = stride(current), width = current->width;
    memset(to, 128, bytes);
    struct control *light = control_named(V4L2_CID_BRIGHTNESS);
    if (light && current->fourcc == V4L2_PIX_FMT_YUYV) for (size_t i = 16 * (size_t)line; i < bytes; i += 2) to[i] = (unsigned char)light->value;
    for (unsigned y = 0; y < 16; y++) for (unsigned x = 0; x < 256 && x < width; x++) {
        unsigned char value = frame_number >> (15 - x / 16) & 1 ? 235 : 16; unsigned char *row = to + (size_t)y * line;
        switch (current->fourcc) {
        case V4L2_PIX_FMT_GREY: case V4L2_PIX_FMT_NV12: row[x] = value; break;
        case V4L2_PIX_FMT_RGB24: case V4L2_PIX_FMT_BGR24: memset(row + x * 3, value, 3); break;
        case V4L2_PIX_FMT_UYVY: row[x * 2 + 1] = value; break;
        default: row[x * 2] = value;
        }
    }
    return bytes;
}
static void stop(void) { streaming = queued = full = 0; owner = -1; if (memory) munmap(memory, slot * count); memory = NULL; count = 0; }
static void unplug(struct fault *f) {
    f->done = !f->every; plugged++; stop(); back_number = f->number;
    for (int i = 0; i < control_count; i++) controls[i].value = controls[i].usual;
    if (f->every) frame_number++;
    back_at = f->ms ? now_ns() + f->ms * 1000000LL : 0;
}
static void advance(void) {
    long long period = real_rate ? (long long)(1e9 / real_rate) : (long long)(1e9 * interval.numerator / interval.denominator);
    if (speed_later && frame_number >= 5) { speed_from = real_ns(); speed = speed_later; speed_later = 0; }
    while (streaming && next_due <= now_ns()) {
        struct fault *f;
        if ((f = fault_at("unplug", frame_number)) && !f->done) { unplug(f); return; }
        if ((f = fault_at("freeze", frame_number)) && !f->done) { f->done = 1; frozen_until = f->ms ? next_due + f->ms * 1000000LL : 1LL << 62; }
        if (frozen_until > now_ns()) return;
        if (frozen_until) { frozen_until = 0; next_due = now_ns(); }
        if (queued) {
            int i = queue[0]; memmove(queue, queue + 1, --queued * sizeof *queue);
            unsigned char *to = memory + i * slot; size_t bytes = draw(to); struct v4l2_buffer *b = &buffers[i];
            if (fault_at("short", frame_number)) bytes /= 3;
            if (fault_at("empty", frame_number)) bytes = 0;
            if (fault_at("garbage", frame_number)) memset(to, 0x5a, bytes);
            b->bytesused = bytes; b->sequence = sequence; b->flags = stampless ? 0 : V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
            if (fault_at("flag", frame_number)) b->flags |= V4L2_BUF_FLAG_ERROR;
            b->timestamp.tv_sec = next_due / 1000000000; b->timestamp.tv_usec = next_due / 1000 % 1000000;
            b->reserved2 = fault_at("eio", frame_number) ? EIO : 0;
            filled[full++] = i;
        }
        sequence++; frame_number++; next_due += period;
    }
}

/* ---------- controls ---------- */
static struct control *asked_for(__u32 id) {
    if (!(id & V4L2_CTRL_FLAG_NEXT_CTRL)) return control_named(id);
    struct control *best = NULL; id &= V4L2_CTRL_ID_MASK;
    for (struct control *c = controls; c < controls + control_count; c++) if (c->id > id && (!best || c->id < best->id)) best = c;
    return best || !controls_loop ? best : &controls[0];
}
static __u32 flags_of(const struct control *c) {
    struct control *master = c->master ? control_named(c->master) : NULL;
    return c->flags | (master && master->value != c->free_at ? V4L2_CTRL_FLAG_INACTIVE : 0);
}
static int set_control(__u32 id, long long value) {
    struct control *c = control_named(id); int known = 0; if (!c) return no(EINVAL);
    __u32 flags = flags_of(c);
    if (flags & (V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_INACTIVE)) return no(EACCES);
    if (flags & V4L2_CTRL_FLAG_GRABBED) return no(EBUSY);
    for (int i = 0; i < item_count; i++) known |= items[i].id == id && items[i].index == value;
    if ((c->type == V4L2_CTRL_TYPE_MENU || c->type == V4L2_CTRL_TYPE_INTEGER_MENU) && !known) return no(EINVAL);
    c->value = value < c->min ? c->min : value > c->max ? c->max : value; return 0;
}
static int ask_control(unsigned request, void *argument) {
    struct control *c;
    switch (request) {
    case VIDIOC_QUERY_EXT_CTRL: { struct v4l2_query_ext_ctrl *q = argument; if (!(c = asked_for(q->id))) return no(EINVAL);
        memset(q, 0, sizeof *q); q->id = c->id; q->type = c->type; q->minimum = c->min; q->maximum = c->max; q->step = c->step; q->default_value = c->usual;
        q->flags = flags_of(c); strncpy(q->name, c->name, sizeof q->name); return 0; }
    case VIDIOC_QUERYCTRL: { struct v4l2_queryctrl *q = argument; if (!(c = asked_for(q->id))) return no(EINVAL);
        memset(q, 0, sizeof *q); q->id = c->id; q->type = c->type; q->minimum = c->min; q->maximum = c->max; q->step = c->step; q->default_value = c->usual;
        q->flags = flags_of(c); strncpy((char *)q->name, c->name, sizeof q->name); return 0; }
    case VIDIOC_QUERYMENU: { struct v4l2_querymenu *q = argument;
        for (int i = 0; i < item_count; i++) if (items[i].id == q->id && items[i].index == q->index) {
            if ((c = control_named(q->id)) && c->type == V4L2_CTRL_TYPE_INTEGER_MENU) q->value = atoll(items[i].name);
            else { memset(q->name, 0, sizeof q->name); memcpy(q->name, items[i].name, strlen(items[i].name)); }
            return 0; }
        return no(EINVAL); }
    case VIDIOC_G_EXT_CTRLS: case VIDIOC_S_EXT_CTRLS: { struct v4l2_ext_controls *all = argument; if (all->count != 1) return no(EINVAL);
        struct v4l2_ext_control *one = all->controls; if (!(c = control_named(one->id))) return no(EINVAL);
        int wide = c->type == V4L2_CTRL_TYPE_INTEGER64;
        if (request == VIDIOC_S_EXT_CTRLS) return set_control(one->id, wide ? one->value64 : one->value);
        if (wide) one->value64 = c->value; else one->value = (__s32)c->value;
        return 0; }
    default: { struct v4l2_control *one = argument;
        if (request == VIDIOC_S_CTRL) return set_control(one->id, one->value);
        if (!(c = control_named(one->id))) return no(EINVAL);
        one->value = (__s32)c->value; return 0; }
    }
}

/* ---------- calls of the driver ---------- */
static void tell_format(struct v4l2_format *f) {
    memset(&f->fmt, 0, sizeof f->fmt);
    f->fmt.pix.width = current->width; f->fmt.pix.height = current->height; f->fmt.pix.pixelformat = current->fourcc;
    f->fmt.pix.field = V4L2_FIELD_NONE; f->fmt.pix.bytesperline = stride(current); f->fmt.pix.sizeimage = frame_bytes(current);
}
static int reqbufs(int fd, struct v4l2_requestbuffers *r) {
    if (owner >= 0 && owner != fd) return no(EBUSY);
    if (!r->count) { if (owner == fd) stop(); return 0; }
    if (streaming) return no(EBUSY);
    stop(); owner = fd; count = r->count > BUFFERS ? BUFFERS : r->count; r->count = count;
    slot = (frame_bytes(current) + 4095) & ~(size_t)4095;
    if (ftruncate(fd, slot * count)) return no(ENOMEM);
    memory = mmap(NULL, slot * count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); if (memory == MAP_FAILED) { memory = NULL; return no(ENOMEM); }
    memset(buffers, 0, sizeof buffers);
    for (int i = 0; i < count; i++) { buffers[i].index = i; buffers[i].type = r->type; buffers[i].memory = V4L2_MEMORY_MMAP; buffers[i].length = slot; buffers[i].m.offset = i * slot; }
    return 0;
}
static int dequeue(struct v4l2_buffer *b) {
    int e;
    if (!streaming) return no(EINVAL);
    if (fault_at("spurious", frame_number)) return no(EAGAIN);
    if (!full) return no(EAGAIN);
    int i = filled[0]; memmove(filled, filled + 1, --full * sizeof *filled);
    if ((e = buffers[i].reserved2)) return no(e);
    *b = buffers[i]; return 0;
}
static int driver(int fd, unsigned request, void *argument) {
    int e; struct format *f;
    if (files[fd].plugged != plugged) return no(ENODEV);
#define STEP(name) if ((e = step_fails(name))) return no(e)
    switch (request) {
    case VIDIOC_QUERYCAP: { STEP("querycap"); struct v4l2_capability *c = argument; memset(c, 0, sizeof *c);
        strcpy((char *)c->driver, "vcam"); strcpy((char *)c->card, name); snprintf((char *)c->bus_info, sizeof c->bus_info, "usb-%d", back_number >= 0 ? 0 : files[fd].number);
        c->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING; c->capabilities = c->device_caps | V4L2_CAP_DEVICE_CAPS; return 0; }
    case VIDIOC_ENUM_FMT: { STEP("enumfmt"); struct v4l2_fmtdesc *d = argument; unsigned n = 0;
        for (int i = 0; i < format_count; i++) { int first = 1; for (int j = 0; j < i; j++) first &= formats[j].fourcc != formats[i].fourcc;
            if (first && n++ == d->index) { d->pixelformat = formats[i].fourcc; snprintf((char *)d->description, sizeof d->description, "Format %u", n); return 0; } }
        return no(EINVAL); }
    case VIDIOC_ENUM_FRAMESIZES: { STEP("enumsize"); struct v4l2_frmsizeenum *s = argument; unsigned n = 0;
        for (f = formats; f < formats + format_count; f++) if (f->fourcc == s->pixel_format && n++ == s->index) { s->type = V4L2_FRMSIZE_TYPE_DISCRETE; s->discrete.width = f->width; s->discrete.height = f->height; return 0; }
        return no(EINVAL); }
    case VIDIOC_ENUM_FRAMEINTERVALS: { struct v4l2_frmivalenum *v = argument;
        for (f = formats; f < formats + format_count; f++) if (f->fourcc == v->pixel_format && f->width == v->width && f->height == v->height && v->index < (unsigned)f->intervals) { v->type = V4L2_FRMIVAL_TYPE_DISCRETE; v->discrete = f->interval[v->index]; return 0; }
        return no(EINVAL); }
    case VIDIOC_G_FMT: STEP("gfmt"); tell_format(argument); return 0;
    case VIDIOC_S_FMT: { STEP("sfmt"); struct v4l2_format *w = argument; if (owner >= 0 && owner != fd) return no(EBUSY);
        for (f = formats; f < formats + format_count; f++) if (f->fourcc == w->fmt.pix.pixelformat && f->width == w->fmt.pix.width && f->height == w->fmt.pix.height) { current = f; interval = f->interval[0]; }
        tell_format(w); return 0; }
    case VIDIOC_G_PARM: case VIDIOC_S_PARM: { STEP(request == VIDIOC_S_PARM ? "sparm" : "gparm"); struct v4l2_captureparm *p = &((struct v4l2_streamparm *)argument)->parm.capture;
        if (request == VIDIOC_S_PARM) for (int i = 0; i < current->intervals; i++) { struct v4l2_fract o = current->interval[i];
            if ((unsigned long long)o.numerator * p->timeperframe.denominator == (unsigned long long)o.denominator * p->timeperframe.numerator) interval = o; }
        memset(p, 0, sizeof *p); p->capability = V4L2_CAP_TIMEPERFRAME; p->timeperframe = interval; return 0; }
    case VIDIOC_G_INPUT: *(int *)argument = 0; return 0;
    case VIDIOC_S_INPUT: return 0;
    case VIDIOC_QUERY_EXT_CTRL: STEP("queryext"); return ask_control(request, argument);
    case VIDIOC_QUERYCTRL: STEP("queryctrl"); return ask_control(request, argument);
    case VIDIOC_QUERYMENU: return ask_control(request, argument);
    case VIDIOC_G_EXT_CTRLS: STEP("gext"); return ask_control(request, argument);
    case VIDIOC_S_EXT_CTRLS: STEP("sext"); return ask_control(request, argument);
    case VIDIOC_G_CTRL: STEP("gctrl"); return ask_control(request, argument);
    case VIDIOC_S_CTRL: STEP("sctrl"); return ask_control(request, argument);
    case VIDIOC_REQBUFS: if (((struct v4l2_requestbuffers *)argument)->count) STEP("reqbufs"); return reqbufs(fd, argument);
    case VIDIOC_QUERYBUF: { STEP("querybuf"); struct v4l2_buffer *b = argument; if (owner != fd || b->index >= (unsigned)count) return no(EINVAL); *b = buffers[b->index]; return 0; }
    case VIDIOC_QBUF: { STEP("qbuf"); struct v4l2_buffer *b = argument; if (owner != fd || b->index >= (unsigned)count || queued == count) return no(EINVAL); queue[queued++] = b->index; return 0; }
    case VIDIOC_DQBUF: STEP("dqbuf"); advance(); return files[fd].plugged != plugged ? no(ENODEV) : owner != fd ? no(EINVAL) : dequeue(argument);
    case VIDIOC_STREAMON: STEP("streamon"); if (owner != fd) return no(EINVAL); streaming = 1; sequence = 0; next_due = now_ns(); return 0;
    case VIDIOC_STREAMOFF: STEP("streamoff"); if (owner == fd) streaming = queued = full = 0; return 0;
    }
    return no(ENOTTY);
}
static int is_ours(long fd) { return fd >= 0 && fd < 4096 && files[fd].used; }
static int ask(int fd, unsigned request, void *argument) {
    int before = errno; pthread_mutex_lock(&lock); int answer = driver(fd, request, argument), error = errno; pthread_mutex_unlock(&lock);
    errno = answer ? error : before; return answer;
}

/* ---------- what programs call ---------- */
int ioctl(int fd, unsigned long request, ...) {
    va_list list; va_start(list, request); void *argument = va_arg(list, void *); va_end(list);
    static int (*real)(int, unsigned long, ...); if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    return is_ours(fd) ? ask(fd, (unsigned)request, argument) : real(fd, request, argument);
}
long syscall(long number, ...) {
    va_list l; va_start(l, number); long a = va_arg(l, long), b = va_arg(l, long), c = va_arg(l, long), d = va_arg(l, long), e = va_arg(l, long), f = va_arg(l, long); va_end(l);
    if (number == SYS_ioctl && is_ours(a)) return ask((int)a, (unsigned)b, (void *)c);
    static long (*real)(long, ...); if (!real) real = dlsym(RTLD_NEXT, "syscall");
    struct timespec until; /* A wait that ends at a time of the fast clock. */
    if (number == SYS_futex && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && d && speed > 1) {
        const struct timespec *fast = (const struct timespec *)d;
        long long ns = speed_from + (fast->tv_sec * 1000000000LL + fast->tv_nsec - speed_from) / speed;
        until = (struct timespec){ns / 1000000000, ns % 1000000000}; d = (long)&until;
    }
    return real(number, a, b, c, d, e, f);
}
/* For tests that measure in frames: how many were taken since the process began. */
unsigned long vcam_frames(void) { pthread_mutex_lock(&lock); advance(); unsigned long number = frame_number; pthread_mutex_unlock(&lock); return number; }
int clock_gettime(clockid_t which, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *); if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    if (which != CLOCK_MONOTONIC || speed == 1) return real(which, t);
    long long ns = now_ns(); *t = (struct timespec){ns / 1000000000, ns % 1000000000}; return 0;
}
int clock_nanosleep(clockid_t which, int flags, const struct timespec *t, struct timespec *left) {
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *); if (!real) real = dlsym(RTLD_NEXT, "clock_nanosleep");
    if (which != CLOCK_MONOTONIC || flags || speed == 1) return real(which, flags, t, left);
    long long ns = (t->tv_sec * 1000000000LL + t->tv_nsec) / speed; struct timespec shorter = {ns / 1000000000, ns % 1000000000};
    return real(which, 0, &shorter, NULL);
}
__attribute__((constructor)) static void begin(void) { pthread_mutex_lock(&lock); read_scenario(); pthread_mutex_unlock(&lock); }
static int opened(const char *path, int *fd) {
    int number, used = 0, e; if (!path || sscanf(path, "/dev/video%d%n", &number, &used) != 1 || path[used]) return 0;
    pthread_mutex_lock(&lock); read_scenario(); e = is_there(number) ? step_fails("open") : ENOENT;
    *fd = e ? no(e) : memfd_create("vcam", MFD_CLOEXEC);
    if (*fd >= 0 && *fd < 4096) files[*fd] = (struct open_file){1, number, plugged};
    pthread_mutex_unlock(&lock); return 1;
}
static int open_for_real(int at, const char *path, int flags, mode_t mode) { int fd; return opened(path, &fd) ? fd : (int)syscall(SYS_openat, at, path, flags, mode); }
#define MODE mode_t mode = 0; if (flags & (O_CREAT | __O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }
int open(const char *path, int flags, ...) { MODE return open_for_real(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_for_real(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int close(int fd) {
    if (is_ours(fd)) { pthread_mutex_lock(&lock); if (owner == fd) stop(); files[fd].used = 0; pthread_mutex_unlock(&lock); }
    return (int)syscall(SYS_close, fd);
}
int poll(struct pollfd *set, nfds_t many, int limit_ms) {
    static int (*real)(struct pollfd *, nfds_t, int); if (!real) real = dlsym(RTLD_NEXT, "poll");
    if (many != 1 || !is_ours(set->fd)) return real(set, many, limit_ms);
    for (long long end = now_ns() + limit_ms * 1000000LL;;) {
        pthread_mutex_lock(&lock); advance();
        int dead = files[set->fd].plugged != plugged || !streaming, ready = full || fault_at("spurious", frame_number);
        pthread_mutex_unlock(&lock);
        set->revents = dead ? POLLERR : ready ? POLLIN : 0;
        if (set->revents) return 1;
        if (limit_ms >= 0 && now_ns() >= end) return 0;
        nap_ms(1);
    }
}

/* The list of /dev: the machine's own cameras are hidden, ours follow. */
static DIR *listed; static int next_listed;
DIR *opendir(const char *path) {
    static DIR *(*real)(const char *); if (!real) real = dlsym(RTLD_NEXT, "opendir");
    DIR *folder = real(path);
    if (!strcmp(path, "/dev")) { pthread_mutex_lock(&lock); read_scenario(); listed = folder; next_listed = 0; pthread_mutex_unlock(&lock); }
    return folder;
}
struct dirent64 *readdir64(DIR *folder) {
    static struct dirent64 *(*real)(DIR *); if (!real) real = dlsym(RTLD_NEXT, "readdir64");
    static struct dirent64 entry; struct dirent64 *found;
    while ((found = real(folder)) && folder == listed && !strncmp(found->d_name, "video", 5)) {}
    if (found || folder != listed) return found;
    static const char *const odd[] = {"video-cam", "video", "videoX", "video99999999999"};
    memset(&entry, 0, sizeof entry); entry.d_ino = 7000 + next_listed; entry.d_type = DT_CHR; entry.d_reclen = sizeof entry;
    if (next_listed < 4) { strcpy(entry.d_name, odd[next_listed++]); return &entry; }
    pthread_mutex_lock(&lock); int i = next_listed++ - 4, there = i < number_count && is_there(numbers[i]); pthread_mutex_unlock(&lock);
    if (!there) return NULL;
    snprintf(entry.d_name, sizeof entry.d_name, "video%d", numbers[i]); return &entry;
}
int closedir(DIR *folder) {
    static int (*real)(DIR *); if (!real) real = dlsym(RTLD_NEXT, "closedir");
    if (folder == listed) listed = NULL;
    return real(folder);
}
